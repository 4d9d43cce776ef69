#include "lib/dns/answer_parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "lib/base/check.h"
#include "lib/dns/record_data.h"
#include "lib/dns/wire.h"

namespace posthaste::dns {
namespace {

constexpr unsigned kIsResponse = 0x8000;
constexpr unsigned kOpcodeBits = 0x7800;
constexpr unsigned kAuthoritative = 0x0400;
constexpr unsigned kTruncated = 0x0200;
constexpr unsigned kRecursionAvailable = 0x0080;
constexpr unsigned kAuthenticData = 0x0020;
constexpr unsigned kRcodeBits = 0x000F;
constexpr std::uint16_t kClassInternet = 1;
constexpr std::uint16_t kOpt = 41;
constexpr std::uint32_t kTtlMax = 0x7FFFFFFF;

enum Rcode : unsigned { kNoError = 0, kFormErr, kServFail, kNxDomain, kNotImp, kRefused };

struct Record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint16_t cls = 0;
  std::uint32_t ttl = 0;  // as it stands
  std::size_t data_at = 0;
  std::size_t data_octets = 0;

  // RFC 2181 §8: a TTL with the highest bit set is none.
  Duration life() const { return std::chrono::seconds(ttl > kTtlMax ? 0 : ttl); }
  bool is(RecordType wanted) const {
    return type == static_cast<std::uint16_t>(wanted) && cls == kClassInternet;
  }
};

// A packet that has been read to its end.
struct Packet {
  std::uint16_t id = 0;
  unsigned flags = 0;
  unsigned rcode = 0;  // with the extended part
  std::vector<Record> answers;
  std::vector<Record> authorities;
  std::optional<std::string> trouble;  // why it is not an answer to our question
};

Record read_record(WireReader& reader) {
  Record record;
  record.owner = reader.domain_name();
  record.type = reader.u16();
  record.cls = reader.u16();
  record.ttl = reader.u32();
  record.data_octets = reader.u16();
  record.data_at = reader.at();
  reader.octets(record.data_octets);
  return record;
}

std::vector<Record> read_section(WireReader& reader, unsigned count) {
  std::vector<Record> records;
  for (unsigned i = 0; i < count && !reader.failed(); ++i) {
    Record record = read_record(reader);
    if (records.size() < kRecordsMax) records.push_back(std::move(record));
  }
  return records;
}

bool repeats(const Question& question, WireReader& reader) {
  const std::string owner = reader.domain_name();
  const std::uint16_t type = reader.u16();
  return owner == question.name && type == static_cast<std::uint16_t>(question.type) &&
         reader.u16() == kClassInternet;
}

Packet read_packet(std::string_view octets, const Question& question) {
  WireReader reader(octets);
  Packet packet;
  packet.id = reader.u16();
  packet.flags = reader.u16();
  packet.rcode = packet.flags & kRcodeBits;
  const unsigned questions = reader.u16();
  const unsigned answers = reader.u16();
  const unsigned authorities = reader.u16();
  const unsigned additional = reader.u16();
  if (reader.failed() || !(packet.flags & kIsResponse) || (packet.flags & kOpcodeBits) != 0) {
    packet.trouble = "no DNS answer";
    return packet;
  }
  // Some servers send nothing but the header with an error.
  const bool header_only = questions == 0 && packet.rcode != kNoError && packet.rcode != kNxDomain;
  if (!header_only && (questions != 1 || !repeats(question, reader))) {
    packet.trouble = "an answer to another question";
    return packet;
  }
  if (packet.flags & kTruncated) return packet;  // whatever is there may end anywhere
  packet.answers = read_section(reader, answers);
  packet.authorities = read_section(reader, authorities);
  for (const Record& record : read_section(reader, additional)) {
    if (record.type == kOpt) packet.rcode |= (record.ttl >> 24) << 4;
  }
  if (reader.failed()) packet.trouble = "a packet that breaks off or has a bad name";
  return packet;
}

std::string rcode_words(unsigned rcode) {
  constexpr std::array<std::string_view, 6> kNames{"NOERROR",  "FORMERR", "SERVFAIL",
                                                   "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (rcode < kNames.size()) return std::string(kNames[rcode]);
  return "RCODE " + std::to_string(rcode);
}

std::string describe(std::string_view what, const Question& question,
                     const AnswerContext& context) {
  std::string words(what);
  words += " for " + (question.name.empty() ? "." : question.name) + " ";
  words += name(question.type);
  if (!context.server.empty()) words += " from " + context.server;
  return words;
}

// Reads one answer out of one packet. Answers are short: records are searched, not indexed.
class Interpreter {
 public:
  Interpreter(std::string_view octets, const Packet& packet, const Question& question,
              const AnswerContext& context)
      : octets_(octets), packet_(packet), question_(question), context_(context) {}

  Answer run();

 private:
  Answer failed(AnswerStatus status, std::string_view what) const {
    return failed_answer(status, what, question_, context_);
  }
  Instant expiry(Duration life, Duration most) const {
    return add_saturated(context_.now, std::min(std::max(life, context_.ttl.least), most));
  }
  Answer positive();
  Answer negative(AnswerStatus status, std::string_view what) const;
  bool follow_cnames();
  bool has_records() const;
  RecordData data_of(const Record& record) const {
    return {octets_, record.data_at, record.data_octets};
  }
  void say_where(Answer& answer) const;
  std::optional<Duration> negative_life() const;
  bool complete_without_records() const;

  const std::string_view octets_;
  const Packet& packet_;
  const Question& question_;
  const AnswerContext& context_;
  std::string owner_;  // where the chain has led to so far
  int hops_ = 0;
  Duration life_ = Duration::max();  // the least of all records on the way
};

Answer Interpreter::run() {
  if (packet_.rcode == kRefused) return failed(AnswerStatus::kRefused, "REFUSED");
  if (packet_.rcode != kNoError && packet_.rcode != kNxDomain) {
    return failed(AnswerStatus::kServFail, rcode_words(packet_.rcode));
  }
  owner_ = question_.name;
  if (!follow_cnames()) return failed(AnswerStatus::kMalformed, "a CNAME loop or bad CNAME");
  // RFC 6604 §3: the code speaks of the last name of the chain.
  if (packet_.rcode == kNxDomain) return negative(AnswerStatus::kNxDomain, "NXDOMAIN");
  if (has_records()) return positive();
  if (complete_without_records()) return negative(AnswerStatus::kNoData, "no such record");
  return failed(AnswerStatus::kServFail, "a referral instead of an answer");
}

bool Interpreter::follow_cnames() {
  if (question_.type == RecordType::kCname) return true;
  for (;;) {
    const auto cname =
        std::find_if(packet_.answers.begin(), packet_.answers.end(), [this](const Record& record) {
          return record.is(RecordType::kCname) && record.owner == owner_;
        });
    if (cname == packet_.answers.end() || has_records()) return true;
    const std::optional<std::string> target = name_in(data_of(*cname));
    if (!target || ++hops_ > kCnameHopsMax) return false;
    life_ = std::min(life_, cname->life());
    owner_ = *target;
  }
}

bool Interpreter::has_records() const {
  return std::any_of(packet_.answers.begin(), packet_.answers.end(), [this](const Record& record) {
    return record.is(question_.type) && record.owner == owner_;
  });
}

// RFC 6840 §5.8: AD vouches for the chain and its end alike, or for neither.
void Interpreter::say_where(Answer& answer) const {
  answer.authentic = context_.believe_ad && (packet_.flags & kAuthenticData);
  if (hops_ > 0) answer.canonical = owner_;
}

Answer Interpreter::positive() {
  Answer answer;
  answer.status = AnswerStatus::kOk;
  for (const Record& record : packet_.answers) {
    if (!record.is(question_.type) || record.owner != owner_) continue;
    if (!add_record(question_.type, data_of(record), answer)) {
      return failed(AnswerStatus::kMalformed, "a malformed record");
    }
    life_ = std::min(life_, record.life());
  }
  say_where(answer);
  answer.expires = expiry(life_, context_.ttl.most);
  return answer;
}

Answer Interpreter::negative(AnswerStatus status, std::string_view what) const {
  Answer answer;
  answer.status = status;
  say_where(answer);
  // Without an SOA nothing says how long; RFC 2308 §5: then it should not be cached, and least is
  // nearly that.
  const Duration life = std::min(life_, negative_life().value_or(context_.ttl.least));
  answer.expires = expiry(life, context_.ttl.negative_most);
  answer.words = describe(what, question_, context_);
  return answer;
}

// A server that does not recurse for us answers with a referral, or with a chain that leads out of
// its zones: that is not the same as "there is none" (RFC 2308 §2.2), and must not become "no MX".
// Resolvers that leave out the SOA exist.
bool Interpreter::complete_without_records() const {
  if (packet_.flags & kRecursionAvailable || negative_life()) return true;
  return (packet_.flags & kAuthoritative) && hops_ == 0;
}

bool within(std::string_view domain, std::string_view zone) {
  if (zone.empty() || domain == zone) return true;
  return domain.size() > zone.size() && domain.ends_with(zone) &&
         domain[domain.size() - zone.size() - 1] == '.';
}

// RFC 2308 §5: the lesser of the SOA's own TTL and its MINIMUM field.
std::optional<Duration> Interpreter::negative_life() const {
  for (const Record& record : packet_.authorities) {
    if (!record.is(RecordType::kSoa) || !within(owner_, record.owner)) continue;
    WireReader reader(octets_);
    reader.seek(record.data_at);
    reader.domain_name();                      // MNAME
    reader.domain_name();                      // RNAME
    for (int i = 0; i < 4; ++i) reader.u32();  // SERIAL, REFRESH, RETRY, EXPIRE
    Record minimum;
    minimum.ttl = reader.u32();
    if (reader.failed() || reader.at() != record.data_at + record.data_octets) continue;
    return std::min(record.life(), minimum.life());
  }
  return std::nullopt;
}

}  // namespace

ParsedAnswer parse_answer(std::string_view octets, const Question& question,
                          const AnswerContext& context) {
  const Packet packet = read_packet(octets, question);
  ParsedAnswer parsed;
  parsed.id = packet.id;
  if (packet.trouble) {
    parsed.answer = failed_answer(AnswerStatus::kMalformed, *packet.trouble, question, context);
  } else if (packet.flags & kTruncated) {
    parsed.truncated = true;
    parsed.answer =
        failed_answer(AnswerStatus::kMalformed, "a truncated answer", question, context);
  } else {
    parsed.answer = Interpreter(octets, packet, question, context).run();
  }
  return parsed;
}

Answer failed_answer(AnswerStatus status, std::string_view what, const Question& question,
                     const AnswerContext& context) {
  CHECK(temporary(status));
  Answer answer;
  answer.status = status;
  answer.expires = add_saturated(context.now, context.ttl.failure);
  answer.words = describe(what, question, context);
  return answer;
}

}  // namespace posthaste::dns
