#include "lib/io/output_queue.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/base/rng.h"

namespace posthaste::io {
namespace {

std::string joined(const OutputQueue& queue) {
  OutputQueue::Parts parts;
  const OutputQueue::Front front = queue.front(parts);
  std::string all;
  for (int i = 0; i < front.count; ++i) {
    const iovec& part = parts[static_cast<std::size_t>(i)];
    all.append(static_cast<const char*>(part.iov_base), part.iov_len);
  }
  EXPECT_EQ(all.size(), front.bytes);
  return all;
}

TEST(OutputQueue, JoinsSmallStringsAndNeverCopiesChunks) {
  OutputQueue queue;
  queue.push("EHLO a\r\n");
  queue.push("MAIL\r\n");
  const auto chunk = std::make_shared<const std::string>("body");
  queue.push(chunk);
  queue.push("QUIT\r\n");
  OutputQueue::Parts parts;
  const auto front = queue.front(parts);
  ASSERT_EQ(front.count, 3);
  EXPECT_EQ(parts[1].iov_base, chunk->data());
  EXPECT_EQ(joined(queue), "EHLO a\r\nMAIL\r\nbodyQUIT\r\n");
}

TEST(OutputQueue, GivesAChunkBackAsSoonAsItIsWritten) {
  OutputQueue queue;
  auto chunk = std::make_shared<const std::string>("body");
  const std::weak_ptr<const std::string> watched = chunk;
  queue.push(std::move(chunk));
  queue.push("end");
  queue.pop(3);
  EXPECT_FALSE(watched.expired());
  queue.pop(1);
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(joined(queue), "end");
}

TEST(OutputQueue, IgnoresWhatIsEmpty) {
  OutputQueue queue;
  queue.push("");
  queue.push(std::shared_ptr<const std::string>());
  queue.push(std::make_shared<const std::string>());
  EXPECT_TRUE(queue.empty());
  OutputQueue::Parts parts;
  EXPECT_EQ(queue.front(parts).count, 0);
}

TEST(OutputQueue, KeepsTheOrderOfEveryByteWhateverIsPushedAndPopped) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Rng rng(seed);
    OutputQueue queue;
    std::string model;
    for (int step = 0; step < 400; ++step) {
      std::string bytes(static_cast<std::size_t>(rng.below(rng.below(8) == 0 ? 5000 : 60)), '\0');
      for (char& c : bytes) c = static_cast<char>('a' + rng.below(26));
      model += bytes;
      if (rng.below(3) == 0) {
        queue.push(std::make_shared<const std::string>(std::move(bytes)));
      } else {
        queue.push(std::move(bytes));
      }
      const std::string front = joined(queue);
      ASSERT_EQ(front, model.substr(0, front.size())) << "seed " << seed;
      const auto count = static_cast<std::size_t>(rng.below(front.size() + 1));
      queue.pop(count);
      model.erase(0, count);
      ASSERT_EQ(queue.bytes(), model.size());
    }
  }
}

}  // namespace
}  // namespace posthaste::io
