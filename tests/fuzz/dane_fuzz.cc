// Any answers to a DaneSearch: it ends after three questions, asks for nothing but its host and the
// end of that host's CNAMEs, and finds records only on a way that is secure throughout.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/dns/dane.h"

namespace {

using namespace posthaste;

constexpr Instant kNow{std::chrono::hours(1)};
constexpr int kQuestionsMax = 3;

// What is left of the input; zero octets when there is nothing.
struct Input {
  std::string_view octets;

  std::uint8_t take() {
    if (octets.empty()) return 0;
    const auto octet = static_cast<std::uint8_t>(octets.front());
    octets.remove_prefix(1);
    return octet;
  }
  std::string take_some(std::size_t most) {
    std::string some(octets.substr(0, most));
    octets.remove_prefix(some.size());
    return some;
  }
};

// Low three bits: the status; then authentic, and by a CNAME.
dns::Answer take_answer(Input& input, dns::RecordType type) {
  const unsigned bits = input.take();
  dns::Answer answer;
  answer.status = static_cast<dns::AnswerStatus>((bits & 7U) % 7U);
  answer.authentic = (bits & 8U) != 0 && !dns::temporary(answer.status);
  if ((bits & 16U) != 0 && !dns::temporary(answer.status)) answer.canonical = "end.example.net";
  answer.expires = kNow + std::chrono::seconds(input.take());
  answer.words = dns::name(answer.status);
  if (answer.status != dns::AnswerStatus::kOk || type != dns::RecordType::kTlsa) return answer;
  for (unsigned count = bits >> 5U; count > 0; --count) {
    dns::TlsaRecord record{input.take(), input.take(), input.take(), {}};
    record.data = input.take_some(input.take());
    answer.tlsa.push_back(std::move(record));
  }
  return answer;
}

void check_plan(const dns::DanePlan& plan, const dns::Answer& last) {
  const bool usable = plan.state == dns::DaneState::kUsable;
  const bool secure = usable || plan.state == dns::DaneState::kUnusable;
  CHECK(usable != plan.records.empty());
  CHECK(secure != plan.base.empty());
  CHECK(!secure || (last.authentic && last.status == dns::AnswerStatus::kOk));
  CHECK(!plan.words.empty() && plan.expires <= last.expires);
  for (const dns::TlsaRecord& record : plan.records) CHECK(dns::usable(record));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input{{reinterpret_cast<const char*>(data), size}};
  const bool host_secure = (input.take() & 1U) != 0;
  const dns::Answer a = take_answer(input, dns::RecordType::kA);
  const dns::Answer aaaa = take_answer(input, dns::RecordType::kAaaa);
  dns::DaneSearch search(25, MxName("mx.example.com"), host_secure, a, aaaa);
  int asked = 0;
  dns::Answer last;
  while (const dns::Question* question = search.question()) {
    CHECK(host_secure && ++asked <= kQuestionsMax);
    CHECK(question->name == "mx.example.com" || question->name == "_25._tcp.mx.example.com" ||
          question->name == "_25._tcp.end.example.net");
    last = take_answer(input, question->type);
    search.on_answer(last);
  }
  if (asked > 0) check_plan(search.plan(), last);
  CHECK(asked > 0 || search.plan().records.empty());
  return 0;
}
