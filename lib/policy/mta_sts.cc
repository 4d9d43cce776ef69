#include "lib/policy/mta_sts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/base/codec.h"
#include "lib/policy/domain_pattern.h"

namespace posthaste::policy {
namespace {

constexpr std::string_view kVersion = "STSv1";
constexpr std::string_view kTxtVersion = "v=STSv1";
constexpr std::string_view kBlank = " \t";
constexpr std::string_view kAnyLabel = "*.";
constexpr std::size_t kIdOctetsMax = 32;
constexpr std::size_t kFieldNameOctetsMax = 32;
constexpr std::size_t kMaxAgeDigitsMax = 10;
constexpr std::size_t kQuotedOctetsMax = 60;
constexpr std::uint8_t kRecordVersion = 1;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_graphic(char c) { return c > ' ' && c < 0x7F; }

std::string_view without_blanks_behind(std::string_view text) {
  const auto last = text.find_last_not_of(kBlank);
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  return first == text.npos ? std::string_view() : without_blanks_behind(text.substr(first));
}

// What somebody else wrote, fit for a line of our log.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kQuotedOctetsMax)) out += is_graphic(c) || c == ' ' ? c : '?';
  return out + (text.size() > kQuotedOctetsMax ? "…\"" : "\"");
}

tl::unexpected<Error> invalid(std::string words) {
  return fail(ErrorCode::kInvalid, std::move(words));
}

// The names of fields in TXT records and policy files alike.
bool is_field_name(std::string_view text) {
  return !text.empty() && text.size() <= kFieldNameOctetsMax && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_txt_value(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return is_graphic(c) && c != '=' && c != ';'; });
}

// RFC 8461 §3.1: "records that do not begin with 'v=STSv1;' are discarded"; the grammar allows
// blanks before the semicolon.
bool is_sts_txt(std::string_view record) {
  if (!record.starts_with(kTxtVersion)) return false;
  const auto next = record.find_first_not_of(kBlank, kTxtVersion.size());
  return next != record.npos && record[next] == ';';
}

// REQUIRES is_sts_txt(record).
Result<std::string> parse_sts_fields(std::string_view record) {
  std::optional<std::string_view> id;
  std::string_view rest = record.substr(record.find(';') + 1);
  while (!without_blanks(rest).empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    const std::string_view field = without_blanks(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(field.find('='), field.size());
    const std::string_view key = field.substr(0, equals);
    const std::string_view value = field.substr(std::min(equals + 1, field.size()));
    if (!is_field_name(key) || !is_txt_value(value)) {
      return invalid("the MTA-STS record has " + quoted(field) + " where a field should be");
    }
    // RFC 8461 §3.2: of fields that are repeated, all but the first are ignored.
    if (key == "id" && !id) id = value;
  }
  if (!id) return invalid("the MTA-STS record has no id");
  if (id->size() > kIdOctetsMax || !std::all_of(id->begin(), id->end(), is_alphanumeric)) {
    return invalid("the MTA-STS record's id is " + quoted(*id) +
                   " and not 1 to 32 letters and digits");
  }
  return std::string(*id);
}

std::optional<StsMode> parse_mode(std::string_view text) {
  for (const StsMode mode : {StsMode::kNone, StsMode::kTesting, StsMode::kEnforce}) {
    if (text == name(mode)) return mode;
  }
  return std::nullopt;
}

std::optional<Duration> parse_max_age(std::string_view text) {
  if (text.empty() || text.size() > kMaxAgeDigitsMax) return std::nullopt;
  std::int64_t seconds = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    seconds = seconds * 10 + (c - '0');
  }
  // The grammar allows more than the maximum and does not say what it means. A domain that asks
  // for more protection than there is gets all there is.
  return std::min<Duration>(std::chrono::seconds(seconds), kStsMaxAgeMax);
}

// RFC 8461 §3.2: A-labels only. DomainPattern's grammar has U-labels and address literals besides.
std::optional<std::string> parse_pattern(std::string_view text) {
  const bool ascii = std::all_of(text.begin(), text.end(), is_graphic);
  if (!ascii || text.starts_with('[')) return std::nullopt;
  auto pattern = parse_domain_pattern(text);
  if (!pattern) return std::nullopt;
  return std::move(pattern->text);
}

bool is_text_plain(std::string_view content_type) {
  return equal_fold(without_blanks(content_type.substr(0, content_type.find(';'))), "text/plain");
}

bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7F;
  });
}

// A policy file, line by line. Of fields that are repeated the first one counts, but mx.
class PolicyReader {
 public:
  Status take(std::string_view line) {
    const auto colon = line.find(':');
    const std::string_view key = line.substr(0, colon);
    if (colon == line.npos || !is_field_name(key) || has_control(line)) {
      return invalid("the policy has " + quoted(line) + " where a field should be");
    }
    const std::string_view value = without_blanks(line.substr(colon + 1));
    if (key == "version") return take_version(value);
    if (key == "mode") return take_mode(value);
    if (key == "max_age") return take_max_age(value);
    if (key == "mx") return take_mx(value);
    return {};
  }

  Result<StsPolicy> finish() {
    if (!version_) return invalid("the policy has no version");
    if (!mode_) return invalid("the policy has no mode");
    if (!max_age_) return invalid("the policy has no max_age");
    if (*mode_ != StsMode::kNone && mx_.empty()) return invalid("the policy names no mx");
    return StsPolicy{*mode_, std::move(mx_), *max_age_};
  }

 private:
  Status take_version(std::string_view value) {
    if (version_) return {};
    if (value != kVersion) {
      return fail(ErrorCode::kUnsupported, "the policy's version is " + quoted(value));
    }
    version_ = true;
    return {};
  }

  Status take_mode(std::string_view value) {
    if (mode_) return {};
    mode_ = parse_mode(value);
    if (mode_) return {};
    return invalid("the policy's mode is " + quoted(value));
  }

  Status take_max_age(std::string_view value) {
    if (max_age_) return {};
    max_age_ = parse_max_age(value);
    if (max_age_) return {};
    return invalid("the policy's max_age is " + quoted(value));
  }

  Status take_mx(std::string_view value) {
    if (mx_.size() == kStsPatternsMax) return invalid("the policy has too many mx");
    auto pattern = parse_pattern(value);
    if (!pattern) return invalid("the policy's mx " + quoted(value) + " is no domain");
    mx_.push_back(std::move(*pattern));
    return {};
  }

  bool version_ = false;
  std::optional<StsMode> mode_;
  std::optional<Duration> max_age_;
  std::vector<std::string> mx_;
};

}  // namespace

std::string_view name(StsMode mode) {
  switch (mode) {
    case StsMode::kNone: return "none";
    case StsMode::kTesting: return "testing";
    case StsMode::kEnforce: return "enforce";
  }
  return "";
}

Result<std::string> parse_sts_txt(const std::vector<std::string>& records) {
  const std::string* found = nullptr;
  for (const std::string& record : records) {
    if (!is_sts_txt(record)) continue;
    if (found != nullptr) return invalid("more than one MTA-STS record");
    found = &record;
  }
  if (found == nullptr) return fail(ErrorCode::kNotFound, "no MTA-STS record");
  return parse_sts_fields(*found);
}

Result<StsPolicy> parse_sts_policy(std::string_view body, std::string_view content_type) {
  // RFC 8461 §3.2: against web servers where strangers may leave files.
  if (!is_text_plain(content_type)) {
    return invalid("the policy's type is " + quoted(content_type) + " and not text/plain");
  }
  PolicyReader reader;
  while (!body.empty()) {
    const auto end = std::min(body.find('\n'), body.size());
    std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = without_blanks_behind(line);
    if (line.empty()) continue;  // people leave empty lines at the end
    if (auto taken = reader.take(line); !taken) return tl::make_unexpected(taken.error());
  }
  return reader.finish();
}

bool sts_matches(const std::vector<std::string>& patterns, const MxName& host) {
  const std::string_view whole = host.text();
  const auto dot = whole.find('.');
  const std::string_view parent = dot == whole.npos || dot == 0 ? "" : whole.substr(dot + 1);
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    if (!pattern.starts_with(kAnyLabel)) return pattern == whole;
    return !parent.empty() && pattern.substr(kAnyLabel.size()) == parent;
  });
}

std::vector<std::string> sts_policy_lines(const StsPolicy& policy) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(policy.max_age).count();
  std::vector<std::string> lines{"version: " + std::string(kVersion),
                                 "mode: " + std::string(name(policy.mode))};
  for (const std::string& pattern : policy.mx) lines.push_back("mx: " + pattern);
  lines.push_back("max_age: " + std::to_string(seconds));
  return lines;
}

// version(u8) mode(u8) max_age in seconds(var) fetched(time) id(str) patterns(var, then str each)
std::string encode_sts_record(const StsRecord& record) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(record.policy.max_age);
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(kRecordVersion);
  out.u8(static_cast<std::uint8_t>(record.policy.mode));
  out.var(static_cast<std::uint64_t>(seconds.count()));
  out.time(record.fetched);
  out.str(record.id);
  out.var(record.policy.mx.size());
  for (const std::string& pattern : record.policy.mx) out.str(pattern);
  return bytes;
}

Result<StsRecord> decode_sts_record(std::string_view bytes) {
  ByteReader in(bytes);
  if (const auto version = in.u8(0xFF); in.right() && version != kRecordVersion) {
    return fail(ErrorCode::kUnsupported, "an MTA-STS policy of format " + std::to_string(version));
  }
  StsRecord record;
  record.policy.mode = static_cast<StsMode>(in.u8(static_cast<std::uint8_t>(StsMode::kEnforce)));
  const std::chrono::seconds max_age(in.var<std::uint32_t>());
  record.policy.max_age = max_age;
  record.fetched = in.time();
  record.id = in.str();
  const auto patterns = in.var<std::uint32_t>();
  if (patterns > kStsPatternsMax || max_age > kStsMaxAgeMax || record.fetched < Instant()) {
    in.wrong();
  }
  for (std::size_t i = 0; in.right() && i < patterns; ++i) record.policy.mx.push_back(in.str());
  if (in.used_up()) return record;
  return fail(ErrorCode::kCorrupt, "an MTA-STS policy that cannot be read");
}

}  // namespace posthaste::policy
