#include "lib/pattern/pattern_set.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::pattern {
namespace {

RE2::Options options(std::size_t memory_max) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);  // mail hosts write what they like
  options.set_case_sensitive(false);
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_log_errors(false);
  options.set_max_mem(static_cast<std::int64_t>(memory_max));
  return options;
}

class Re2Patterns final : public policy::PatternSet {
 public:
  explicit Re2Patterns(const RE2::Options& options) : set_(options, RE2::UNANCHORED) {}

  bool add(const std::string& pattern) { return set_.Add(pattern, nullptr) >= 0; }
  // False: the memory is too small for a handful of the automaton's states. Where it is not, the
  // automaton throws states away when they are too many, and no text can be too much for it.
  bool compile() { return set_.Compile(); }

  std::vector<std::size_t> found_in(std::string_view text) const override {
    std::vector<int> found;
    if (!set_.Match(text, &found)) return {};
    std::sort(found.begin(), found.end());
    return {found.begin(), found.end()};
  }

 private:
  RE2::Set set_;
};

}  // namespace

tl::expected<std::unique_ptr<const policy::PatternSet>, BadPattern> compile_patterns(
    const std::vector<std::string>& patterns, std::size_t memory_max) {
  const RE2::Options all = options(memory_max);
  auto set = std::make_unique<Re2Patterns>(all);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const RE2 alone(patterns[i], all);  // the set would not tell which one is too large
    if (!alone.ok()) return tl::unexpected(BadPattern{i, alone.error()});
    CHECK(set->add(patterns[i]));
  }
  if (set->compile()) return set;
  return tl::unexpected(BadPattern{patterns.empty() ? 0 : patterns.size() - 1,
                                   "all patterns together need too much memory"});
}

}  // namespace posthaste::pattern
