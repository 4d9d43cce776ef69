// Any packet, read as an answer to the question that it repeats: names read back, times lie in
// their bounds, and a plan can be made of it. The first octet chooses the type that was asked for.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/dns/answer_parser.h"
#include "lib/dns/mx_plan.h"
#include "lib/dns/record_data.h"
#include "lib/dns/wire.h"

namespace {

using namespace posthaste;

constexpr std::size_t kQuestionAt = 12;
constexpr Instant kNow{std::chrono::hours(1)};

void check_name(const std::string& text) {
  const auto wire = dns::encode_name(text);
  CHECK(wire.has_value());
  dns::WireReader reader(*wire);
  CHECK(reader.domain_name() == text && !reader.failed());
}

void check_answer(const dns::Answer& answer, const dns::Question& question) {
  const bool ok = answer.status == dns::AnswerStatus::kOk;
  const bool tlsa = question.type == dns::RecordType::kTlsa;
  CHECK(answer.tlsa.empty() || (ok && tlsa && answer.tlsa.size() <= dns::kTlsaRecordsMax));
  CHECK(answer.texts.empty() || (ok && question.type == dns::RecordType::kTxt));
  CHECK(answer.texts.size() <= dns::kTextsMax);
  CHECK(answer.canonical.empty() || !dns::temporary(answer.status));
  check_name(answer.canonical);
  for (const std::string& text : answer.texts) CHECK(text.size() <= dns::kTextOctetsMax);
  for (const dns::TlsaRecord& record : answer.tlsa) {
    CHECK(!dns::usable(record) || !record.data.empty());
    CHECK(dns::render(record).size() >= 2 * record.data.size());
  }
  CHECK(answer.mx.empty() || (ok && question.type == dns::RecordType::kMx));
  CHECK(answer.expires >= kNow + dns::TtlBounds{}.least);
  CHECK(answer.expires <= kNow + dns::TtlBounds{}.most);
  CHECK(!answer.authentic || !dns::temporary(answer.status));
  for (const dns::MxRecord& mx : answer.mx) check_name(mx.host.text());
  for (const IpAddress& address : answer.addresses) {
    CHECK(parse_ip(render_ip(address)) == address);
  }
  Rng rng(1);
  const dns::MxPlan plan =
      dns::plan_mx(RoutingDomain(question.name), answer, HeloName("mta.example"), rng);
  CHECK(plan.hosts.empty() != (plan.kind == dns::MxPlan::Kind::kHosts));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr dns::RecordType kTypes[] = {dns::RecordType::kMx,   dns::RecordType::kA,
                                        dns::RecordType::kAaaa, dns::RecordType::kCname,
                                        dns::RecordType::kTlsa, dns::RecordType::kTxt};
  const std::string_view packet(reinterpret_cast<const char*>(data) + 1, size - 1);
  dns::WireReader reader(packet);
  reader.seek(kQuestionAt);
  const dns::Question question{reader.domain_name(), kTypes[data[0] % std::size(kTypes)]};
  check_name(question.name);
  const dns::AnswerContext context{.now = kNow, .ttl = {}, .believe_ad = true, .server = {}};
  check_answer(dns::parse_answer(packet, question, context).answer, question);
  return 0;
}
