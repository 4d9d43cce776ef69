#include "lib/pattern/pattern_set.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "lib/base/rng.h"

namespace posthaste::pattern {
namespace {

using Places = std::vector<std::size_t>;

std::unique_ptr<const policy::PatternSet> must_compile(const std::vector<std::string>& patterns,
                                                       std::size_t memory = kPatternMemoryMax) {
  auto set = compile_patterns(patterns, memory);
  EXPECT_TRUE(set) << set.error().words;
  return set ? std::move(*set) : nullptr;
}

TEST(PatternSet, FindsEveryPatternThatIsThereInAscendingOrder) {
  const auto set = must_compile({"try again", "^never", "greylist(ed|ing)", "later$", "x"});
  EXPECT_EQ(set->found_in("Greylisted, try again later"), (Places{0, 2, 3}));
  EXPECT_EQ(set->found_in("NEVER"), Places{1});
  EXPECT_EQ(set->found_in("nothing of it"), Places{});
  EXPECT_EQ(set->found_in(""), Places{});
}

TEST(PatternSet, ADotIsAnyOctetAndNoOctetIsAnError) {
  const auto set = must_compile({"a.b", "\\xff", "[^\\x00-\\x7f]"});
  EXPECT_EQ(set->found_in("a\nb"), Places{0});
  EXPECT_EQ(set->found_in("a\xff"
                          "b"),
            (Places{0, 1, 2}));
  EXPECT_EQ(set->found_in(std::string("a\0b", 3)), Places{0});
}

TEST(PatternSet, NoPatternsFindNothing) { EXPECT_EQ(must_compile({})->found_in("a"), Places{}); }

TEST(PatternSet, SaysWhichPatternIsWrongAndHow) {
  const auto unbalanced = compile_patterns({"right", "(again", "[also"});
  ASSERT_FALSE(unbalanced);
  EXPECT_EQ(unbalanced.error().place, 1U);
  EXPECT_NE(unbalanced.error().words.find("missing )"), std::string::npos);
  EXPECT_FALSE(compile_patterns({"(?=ahead)"})) << "RE2 has none";
  EXPECT_FALSE(compile_patterns({"(a)\\1"})) << "nor this";
}

TEST(PatternSet, PatternsThatAreTooLargeAreRefused) {
  EXPECT_FALSE(compile_patterns({"(((a{100}){100}){100}){100}"}));
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i) many.push_back(std::to_string(i) + "[a-z]{200}");
  const auto together = compile_patterns(many, std::size_t{64} << 10);
  ASSERT_FALSE(together);
  EXPECT_NE(together.error().words.find("memory"), std::string::npos) << together.error().words;
}

// "a.{12}b": an automaton that remembers where every a was, which is more than fits.
TEST(PatternSet, AnAutomatonThatOutgrowsItsMemoryFindsTheSame) {
  std::vector<std::string> patterns;
  for (int i = 0; i < 12; ++i) {
    patterns.push_back("a[ab]{" + std::to_string(i + 4) + "}b[ab]*c" + std::to_string(i));
  }
  const auto roomy = must_compile(patterns);
  Rng rng(5);
  std::size_t memory = std::size_t{8} << 10;
  while (!compile_patterns(patterns, memory)) memory += 1024;
  const auto tight = must_compile(patterns, memory);
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (int i = 0; i < 200; ++i) text += rng.below(2) == 0 ? 'a' : 'b';
    text += "c" + std::to_string(rng.below(12));
    ASSERT_EQ(tight->found_in(text), roomy->found_in(text)) << text;
  }
}

TEST(PatternSet, ManyThreadsMayAskAtOnce) {
  const auto set = must_compile({"a+b", "b+c", "(x|y)z"});
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        const std::string text = std::string(static_cast<std::size_t>(i % 50), 'a') + "abc";
        wrong[t] += set->found_in(text) != Places{0, 1};
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace posthaste::pattern
