#include "daemon/tool/postfix_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "lib/base/names.h"
#include "lib/policy/domain_pattern.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::array<std::string_view, 8> kLevels{"none",      "may",         "encrypt", "dane",
                                                  "dane-only", "fingerprint", "verify",  "secure"};

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::vector<std::string_view> split(std::string_view text, std::string_view ends) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t at = std::min(text.find_first_of(ends), text.size());
    if (at > 0) words.push_back(text.substr(0, at));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return words;
}

struct LogicalLine {
  std::size_t number = 0;
  std::string text;
};

std::vector<LogicalLine> logical_lines(std::string_view table) {
  std::vector<LogicalLine> lines;
  std::size_t number = 0;
  while (!table.empty()) {
    ++number;
    const std::size_t end = std::min(table.find('\n'), table.size());
    const std::string_view line = table.substr(0, end);
    table.remove_prefix(std::min(end + 1, table.size()));
    const auto first = std::find_if_not(line.begin(), line.end(), blank);
    if (first == line.end() || *first == '#') continue;
    if (blank(line.front()) && !lines.empty()) {
      lines.back().text.append(" ").append(line);
    } else {
      lines.push_back({number, std::string(line)});
    }
  }
  return lines;
}

// A double-quoted scalar of YAML; what is no printable ASCII is escaped.
std::string quoted(std::string_view text) {
  std::string yaml = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      yaml += '\\';
      yaml += c;
    } else if (octet < 0x20 || octet >= 0x7F) {
      yaml += fmt::format("\\x{:02x}", octet);
    } else {
      yaml += c;
    }
  }
  return yaml + '"';
}

std::string list(const std::vector<std::string>& items) {
  std::string yaml = "[";
  for (const std::string& item : items) yaml += (yaml.size() > 1 ? ", " : "") + quoted(item);
  return yaml + "]";
}

// The oldest version that a `protocols=` value leaves; nullopt: it cannot be told.
std::optional<std::string_view> oldest_protocol(std::string_view value) {
  constexpr std::array<std::string_view, 4> kVersions{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
  const auto index_of = [&](std::string_view word) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < kVersions.size(); ++i) {
      if (equal_fold(word, kVersions[i])) return i;
    }
    return std::nullopt;
  };
  std::array<bool, kVersions.size()> excluded{};
  std::array<bool, kVersions.size()> named{};
  bool any_named = false;
  for (std::string_view word : split(value, ":, ")) {
    const bool no = word.front() == '!';
    const bool from = word.starts_with(">=");
    word.remove_prefix(no ? 1 : from ? 2 : 0);
    const auto index = index_of(word);
    if (!index) {
      if (no) continue;  // !SSLv2, !SSLv3: we have neither
      return std::nullopt;
    }
    if (from) return kVersions[*index];
    (no ? excluded : named)[*index] = true;
    any_named |= !no;
  }
  for (std::size_t i = 0; i < kVersions.size(); ++i) {
    if (!excluded[i] && (!any_named || named[i])) return kVersions[i];
  }
  return std::nullopt;
}

// "aa:bb:…" or "aabb…" of 32 octets as our spelling.
std::optional<std::string> sha256_fingerprint(std::string_view text) {
  std::string hex;
  for (const char c : text) {
    if (c == ':') continue;
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!((lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f'))) return std::nullopt;
    hex += lower;
  }
  if (hex.size() != 64) return std::nullopt;
  return "sha256:" + hex;
}

class Import {
 public:
  ImportedPolicy run(std::string_view table) {
    for (const LogicalLine& line : logical_lines(table)) convert(line);
    ImportedPolicy made;
    made.rules = rules_;
    made.remarks = std::move(remarks_);
    made.yaml = "tls:\n";
    if (old_protocols_) {
      made.yaml +=
          "  profiles:\n"
          "    postfix-tls10: { inherit: compat, min_version: TLSv1 }\n"
          "    postfix-tls11: { inherit: compat, min_version: TLSv1.1 }\n";
    }
    if (new_protocols_) {
      if (!old_protocols_) made.yaml += "  profiles:\n";
      made.yaml += "    postfix-tls13: { inherit: modern, min_version: TLSv1.3 }\n";
    }
    made.yaml += rules_ == 0 ? "  domains: []\n" : "  domains:\n" + yaml_;
    return made;
  }

 private:
  void remark(std::string words) { remarks_.push_back({line_, std::move(words)}); }

  // The `match:` or `mx:` line of a look-up key; empty: none can be made.
  std::string key_line(std::string_view key) {
    const bool host = key.starts_with("[");
    std::string_view name = key;
    if (host) {
      const std::size_t end = std::min(key.find(']'), key.size());
      name = key.substr(1, end - 1);
      if (key.size() > end + 1) {
        remark(fmt::format("{}: the port counts for nothing here: the rule is for the host", key));
      }
    } else if (const std::size_t colon = key.find(':'); colon != key.npos) {
      remark(fmt::format("{}: the port counts for nothing here: the rule is for the domain", key));
      name = key.substr(0, colon);
    }
    const std::string pattern = name.starts_with(".") ? "*" + fold_domain(name) : fold_domain(name);
    const auto parsed = policy::parse_domain_pattern(pattern);
    if (!parsed) {
      remark(fmt::format("{}: left out: {}", key, parsed.error().words));
      return {};
    }
    return fmt::format("    - {}: {}\n", host ? "mx" : "match", quoted(parsed->text));
  }

  void convert(const LogicalLine& line) {
    line_ = line.number;
    const auto words = split(line.text, " \t\r,");
    if (words.size() < 2) return remark("left out: a key and a level were expected");
    const std::string_view level = words[1];
    if (std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end()) {
      return remark(fmt::format("{}: left out: \"{}\" is no level", words[0], level));
    }
    level_ = level;
    body_ = fmt::format("      level: {}\n", level);
    fingerprints_.clear();
    names_.clear();
    for (std::size_t i = 2; i < words.size(); ++i) attribute(words[i]);
    if (!names_.empty()) body_ += "      match_names: " + list(names_) + "\n";
    if (!fingerprints_.empty()) body_ += "      fingerprints: " + list(fingerprints_) + "\n";
    if (level == "fingerprint" && fingerprints_.empty()) {
      return remark(fmt::format(
          "{}: left out: level fingerprint needs a SHA-256 fingerprint of the public key",
          words[0]));
    }
    const std::string key = key_line(words[0]);
    if (key.empty()) return;
    yaml_ += key + body_;
    ++rules_;
  }

  void attribute(std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == word.npos) return remark(fmt::format("\"{}\" was not understood", word));
    const std::string_view name = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    if (name == "match") return match(value);
    if (name == "protocols") return protocols(value);
    if (name == "tafile") {
      if (!ca_file(value)) remark(fmt::format("tafile={}: not an absolute path", value));
      return;
    }
    if (name == "servername") {
      return remark("servername: SNI follows the level here (the host's name, or DANE's)");
    }
    if (name == "ciphers" || name == "exclude") {
      return remark(
          fmt::format("{}: profiles say which ciphers are offered; see tls.profiles", word));
    }
    remark(fmt::format("{}: there is nothing like it here", word));
  }

  bool ca_file(std::string_view path) {
    if (!path.starts_with("/")) return false;
    body_ += fmt::format("      ca_file: {}\n", quoted(path));
    return true;
  }

  void match(std::string_view value) {
    if (level_ == "fingerprint") {
      for (const std::string_view pin : split(value, "|")) {
        if (const auto ours = sha256_fingerprint(pin)) {
          fingerprints_.push_back(*ours);
          remark(
              fmt::format("{:.16}…: make sure that it is the public key's and not the "
                          "certificate's; only that is compared here",
                          pin));
        } else {
          remark(fmt::format("{:.16}…: left out: not SHA-256", pin));
        }
      }
      return;
    }
    for (const std::string_view name : split(value, ":")) names_.emplace_back(name);
  }

  void protocols(std::string_view value) {
    const auto oldest = oldest_protocol(value);
    if (!oldest) return remark(fmt::format("protocols={}: was not understood", value));
    if (*oldest == "TLSv1.2") return;  // as everything that we offer
    if (*oldest == "TLSv1.3") {
      new_protocols_ = true;
      body_ += "      ladder: [postfix-tls13]\n";
      return;
    }
    old_protocols_ = true;
    const std::string_view profile = *oldest == "TLSv1" ? "postfix-tls10" : "postfix-tls11";
    body_ += fmt::format("      ladder: [modern, reduced, compat, {}]\n", profile);
    remark(
        fmt::format("protocols={}: versions before TLS 1.2 are the last rung of its ladder; "
                    "consider leaving them out",
                    value));
  }

  std::size_t line_ = 0;
  std::size_t rules_ = 0;
  std::string_view level_;
  std::string body_, yaml_;
  std::vector<std::string> fingerprints_, names_;
  std::vector<PostfixRemark> remarks_;
  bool old_protocols_ = false, new_protocols_ = false;
};

}  // namespace

ImportedPolicy import_postfix(std::string_view table) { return Import().run(table); }

}  // namespace posthaste::daemon::tool
