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

// One automaton for all patterns would have a state for each set of patterns that have begun to be
// found, and who words his reply for it makes every octet a new one. In groups of so many the sets
// are few, and soon known.
constexpr std::size_t kGroup = 8;

class Re2Patterns final : public policy::PatternSet {
 public:
  Re2Patterns(const RE2::Options& all, std::size_t patterns) : options_(all) {
    const std::size_t groups = std::max<std::size_t>(1, (patterns + kGroup - 1) / kGroup);
    options_.set_max_mem(all.max_mem() / static_cast<std::int64_t>(groups));
  }

  bool add(const std::string& pattern) {
    if (added_++ % kGroup == 0) groups_.emplace_back(options_, RE2::UNANCHORED);
    return groups_.back().Add(pattern, nullptr) >= 0;
  }
  // False: the memory is too small for a handful of the automatons' states. Where it is not, they
  // throw states away when they are too many, and no text can be too much for them.
  bool compile() {
    return std::all_of(groups_.begin(), groups_.end(), [](RE2::Set& set) { return set.Compile(); });
  }

  std::vector<std::size_t> found_in(std::string_view text) const override {
    std::vector<std::size_t> all;
    std::vector<int> found;
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      if (!groups_[group].Match(text, &found)) continue;
      for (const int place : found) {
        all.push_back(group * kGroup + static_cast<std::size_t>(place));
      }
    }
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  RE2::Options options_;
  std::vector<RE2::Set> groups_;
  std::size_t added_ = 0;
};

}  // namespace

tl::expected<std::unique_ptr<const policy::PatternSet>, BadPattern> compile_patterns(
    const std::vector<std::string>& patterns, std::size_t memory_max) {
  const RE2::Options all = options(memory_max);
  auto set = std::make_unique<Re2Patterns>(all, patterns.size());
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
