#include "queue/note_basket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::queue {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Keep keep(std::string key, std::string value) {
  return Keep{NoteKind::kTlsHost, std::move(key), std::move(value), kNever};
}

// "h" for the kind, the key, "=" and the value or "-".
std::vector<std::string> taken(NoteBasket& basket, std::size_t max = 100) {
  std::vector<Request> requests;
  basket.take_some(max, requests);
  std::vector<std::string> lines;
  for (const Request& request : requests) {
    if (const auto* note = std::get_if<Keep>(&request)) {
      lines.push_back(static_cast<char>(note->kind) + note->key + "=" + note->value);
    } else {
      const auto& drop = std::get<DropNote>(request);
      lines.push_back(static_cast<char>(drop.kind) + drop.key + "-");
    }
  }
  return lines;
}

TEST(NoteBasket, HasTheLatestOfEachKindAndKey) {
  NoteBasket basket(10, 1000);
  basket.put(keep("a", "1"));
  basket.put(keep("b", "1"));
  basket.put(Keep{NoteKind::kStsPolicy, "a", "1", kNever});
  basket.put(keep("a", "2"));
  basket.put(DropNote{NoteKind::kTlsHost, "b"});
  EXPECT_THAT(taken(basket), ElementsAre("ha=2", "hb-", "sa=1"));
  EXPECT_TRUE(basket.empty());
}

TEST(NoteBasket, GivesNoMoreThanIsAsked) {
  NoteBasket basket(10, 1000);
  for (const char* key : {"a", "b", "c"}) basket.put(keep(key, "1"));
  EXPECT_THAT(taken(basket, 2), ElementsAre("ha=1", "hb=1"));
  EXPECT_THAT(taken(basket, 2), ElementsAre("hc=1"));
  EXPECT_THAT(taken(basket, 2), IsEmpty());
}

TEST(NoteBasket, PrefersWhatIsNewerToWhatWasGivenBack) {
  NoteBasket basket(10, 1000);
  basket.put(keep("a", "new"));
  basket.put_back(keep("b", "old"));
  basket.put_back(keep("a", "old"));
  EXPECT_THAT(taken(basket), ElementsAre("hb=old", "ha=new"));
}

TEST(NoteBasket, PushesOutWhatHasWaitedLongestWhenThereAreTooMany) {
  NoteBasket basket(2, 1000);
  for (const char* key : {"a", "b", "c"}) basket.put(keep(key, "1"));
  EXPECT_EQ(basket.pushed_out(), 1U);
  basket.put_back(keep("a", "1"));
  EXPECT_EQ(basket.pushed_out(), 2U);
  EXPECT_THAT(taken(basket), ElementsAre("hb=1", "hc=1"));
}

TEST(NoteBasket, CountsBytesAsTheyComeAndGo) {
  NoteBasket basket(100, 1000);
  for (int i = 0; i < 100; ++i) basket.put(keep("same", std::string(600, 'x')));
  EXPECT_EQ(basket.pushed_out(), 0U);
  for (int i = 0; i < 100; ++i) {
    basket.put(keep("a", std::string(900, 'x')));
    std::vector<Request> out;
    basket.take_some(9, out);
  }
  EXPECT_EQ(basket.pushed_out(), 1U) << "the 600 bytes gave way to the first 900";
  basket.put(keep("large", std::string(1000, 'x')));
  EXPECT_TRUE(basket.empty()) << "larger than the basket";
}

}  // namespace
}  // namespace posthaste::queue
