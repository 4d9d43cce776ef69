#include "lib/delivery/host_search.h"

#include <algorithm>
#include <utility>

namespace posthaste::delivery {

HostSearch::HostSearch(std::size_t index, MxName name, std::uint16_t port, bool dane,
                       bool host_secure)
    : index_(index),
      name_(std::move(name)),
      port_(port),
      wants_dane_(dane),
      host_secure_(host_secure),
      to_ask_{{name_.text(), dns::RecordType::kAaaa}, {name_.text(), dns::RecordType::kA}} {}

std::vector<dns::Question> HostSearch::take_questions() { return std::exchange(to_ask_, {}); }

void HostSearch::begin_dane() {
  if (a_->addresses.empty() && aaaa_->addresses.empty()) return;
  search_.emplace(port_, name_, host_secure_, *a_, *aaaa_);
  if (const dns::Question* next = search_->question()) to_ask_.push_back(*next);
}

void HostSearch::on_answer(const dns::Question& question, const dns::Answer& answer) {
  if (search_) {
    const dns::Question* asked = search_->question();
    if (asked == nullptr || *asked != question) return;
    search_->on_answer(answer);
    if (const dns::Question* next = search_->question()) to_ask_.push_back(*next);
    return;
  }
  if (question.name != name_.text()) return;
  if (question.type == dns::RecordType::kA) a_ = answer;
  if (question.type == dns::RecordType::kAaaa) aaaa_ = answer;
  if (a_ && aaaa_ && wants_dane_) begin_dane();
}

bool HostSearch::done() const {
  return a_ && aaaa_ && (!search_ || search_->question() == nullptr);
}

Instant HostSearch::expires() const {
  const Instant addresses = std::min(a_->expires, aaaa_->expires);
  return search_ ? std::min(addresses, search_->plan().expires) : addresses;
}

}  // namespace posthaste::delivery
