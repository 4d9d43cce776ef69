#include "lib/dns/dane.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::dns {
namespace {

constexpr std::size_t kWordsMax = 512;   // the first unusable records tell enough
constexpr std::size_t kDigitsMax = 140;  // of one record: a SHA2-512 in full

bool secure(const Answer& answer) { return answer.status == AnswerStatus::kOk && answer.authentic; }

bool alias(const Answer& answer) {
  return answer.status == AnswerStatus::kOk && !answer.canonical.empty();
}

// Of what is known of the addresses: a failure beside an answer has no part in it.
Instant expiry(const Answer& a, const Answer& aaaa) {
  if (a.status == AnswerStatus::kOk && temporary(aaaa.status)) return a.expires;
  if (aaaa.status == AnswerStatus::kOk && temporary(a.status)) return aaaa.expires;
  return std::min(a.expires, aaaa.expires);
}

// "no usable TLSA record at _25._tcp.mx.example: 0 0 1 ab…; 1 1 1 cd…"
std::string unusable_words(const Answer& answer, const std::string& where) {
  std::string words = "no usable TLSA record at " + where;
  if (answer.tlsa.empty()) return words + ", only malformed ones";
  std::string_view between = ": ";
  for (const TlsaRecord& record : answer.tlsa) {
    if (words.size() > kWordsMax) return words + "; …";
    const std::string text = render(record);
    words.append(between).append(text, 0, kDigitsMax);
    if (text.size() > kDigitsMax) words += "…";
    between = "; ";
  }
  return words;
}

}  // namespace

std::string_view name(DaneState state) {
  constexpr std::array<std::string_view, 4> kNames{"none", "usable", "unusable", "temporary"};
  const auto index = static_cast<std::size_t>(state);
  CHECK(index < kNames.size());
  return kNames[index];
}

std::string tlsa_name(std::uint16_t port, std::string_view host) {
  return "_" + std::to_string(port) + "._tcp." + fold_domain(host);
}

bool hosts_secure(const Answer& mx) { return mx.mx.empty() || mx.authentic; }

std::vector<std::string> dane_names(const DanePlan& plan, const RoutingDomain& domain,
                                    const Answer& mx) {
  std::vector<std::string> names{plan.base};
  if (mx.mx.empty()) return names;
  for (const std::string& each : {domain.text(), mx.canonical}) {
    if (!each.empty() && std::find(names.begin(), names.end(), each) == names.end()) {
      names.push_back(each);
    }
  }
  return names;
}

DaneSearch::DaneSearch(std::uint16_t port, const MxName& host, bool host_secure, const Answer& a,
                       const Answer& aaaa)
    : port_(port), host_(fold_domain(host.text())) {
  plan_.expires = expiry(a, aaaa);
  if (host_secure) {
    judge_addresses(a, aaaa);
  } else {
    end(DaneState::kNone, "the MX records that name " + host_ + " are insecure");
  }
}

// RFC 7672 §2.2.2: where the addresses are insecure, TLSA records are not asked for at all, as
// name servers exist that never answer such questions. Only a secure CNAME that leads to insecure
// addresses still allows for secure records at its own name.
void DaneSearch::judge_addresses(const Answer& a, const Answer& aaaa) {
  const Answer* const found = secure(a) ? &a : secure(aaaa) ? &aaaa : nullptr;
  if (found != nullptr) {
    bases_.push_back(host_);
    if (alias(*found) && found->canonical != host_) bases_.push_back(found->canonical);
    ask_next_base();
  } else if (alias(a) || alias(aaaa)) {
    question_ = Question{host_, RecordType::kCname};
  } else if (a.status == AnswerStatus::kOk || aaaa.status == AnswerStatus::kOk) {
    end(DaneState::kNone, "the addresses of " + host_ + " are insecure");
  } else {
    const Answer& why = temporary(aaaa.status) ? aaaa : a;
    end(temporary(why.status) ? DaneState::kTemporary : DaneState::kNone, why.words);
  }
}

const DanePlan& DaneSearch::plan() const {
  CHECK(!question_);
  return plan_;
}

void DaneSearch::on_answer(const Answer& answer) {
  CHECK(question_);
  plan_.expires = std::min(plan_.expires, answer.expires);
  if (temporary(answer.status)) {
    end(DaneState::kTemporary, answer.words);
  } else if (question_->type == RecordType::kCname) {
    on_cname(answer);
  } else {
    on_tlsa(answer);
  }
}

void DaneSearch::on_cname(const Answer& answer) {
  if (secure(answer)) {
    bases_.push_back(host_);
    ask_next_base();
  } else if (answer.authentic) {  // the addresses are older than that
    end(DaneState::kTemporary, host_ + " was a CNAME a moment ago and is none now");
  } else {
    end(DaneState::kNone, "the addresses of " + host_ + " and its CNAME are insecure");
  }
}

// RFC 7671 §7: the name at the end of the CNAMEs first, and where that has no secure records, the
// one before them.
void DaneSearch::on_tlsa(const Answer& answer) {
  if (secure(answer)) {
    take_records(answer);
  } else if (!bases_.empty()) {
    ask_next_base();
  } else if (answer.status == AnswerStatus::kOk) {
    end(DaneState::kNone, "the TLSA records at " + question_->name + " are insecure");
  } else {
    end(DaneState::kNone, "no TLSA record at " + question_->name);
  }
}

void DaneSearch::ask_next_base() {
  plan_.base = std::move(bases_.back());
  bases_.pop_back();
  question_ = Question{tlsa_name(port_, plan_.base), RecordType::kTlsa};
}

void DaneSearch::take_records(const Answer& answer) {
  std::copy_if(answer.tlsa.begin(), answer.tlsa.end(), std::back_inserter(plan_.records), usable);
  // Servers rotate their records; whoever compares two plans must not see a change in that.
  std::sort(plan_.records.begin(), plan_.records.end());
  const std::size_t count = plan_.records.size();
  if (count == 0) {
    end(DaneState::kUnusable, unusable_words(answer, question_->name));
  } else {
    const std::string_view records = count == 1 ? " usable TLSA record" : " usable TLSA records";
    end(DaneState::kUsable, std::to_string(count).append(records) + " at " + question_->name);
  }
}

void DaneSearch::end(DaneState state, std::string words) {
  plan_.state = state;
  plan_.words = std::move(words);
  if (state == DaneState::kNone || state == DaneState::kTemporary) plan_.base.clear();
  bases_.clear();
  question_.reset();
}

}  // namespace posthaste::dns
