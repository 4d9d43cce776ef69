// A refusal of any bytes under the shipped rules: it has a meaning, always the same, and a rule
// that spoke is one of them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/reply_rules.h"
#include "lib/base/check.h"
#include "lib/pattern/pattern_set.h"

namespace {

using namespace posthaste;

policy::ReplyRules shipped_rules() {
  const auto file = config::load_reply_rules(config::shipped_reply_rules(), "shipped");
  CHECK(file.errors.empty());
  std::vector<policy::ReplyRule> rules;
  std::vector<std::string> patterns;
  for (const auto& placed : file.rules) {
    rules.push_back(placed.rule);
    if (!placed.rule.pattern.empty()) patterns.push_back(placed.rule.pattern);
  }
  auto set = pattern::compile_patterns(patterns);
  CHECK(set.has_value());
  return {std::move(rules), std::move(*set)};
}

}  // namespace

// Three octets for the codes, the rest is text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const policy::ReplyRules kRules = shipped_rules();
  if (size < 3) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  const policy::RefusalFacts facts{.code = 400 + data[0] % 200,
                                   .subject = data[1],
                                   .detail = data[2],
                                   .text = text,
                                   .host = "mx.a.example",
                                   .stage = "rcpt"};
  const auto meaning = kRules.meaning_of(facts);
  const auto& rules = kRules.rules();
  CHECK(meaning.rule.empty() || std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
          return rule.name == meaning.rule;
        }));
  const auto again = kRules.meaning_of(facts);
  CHECK(again.rule == meaning.rule && again.retry_class == meaning.retry_class);
  return 0;
}
