#include "tests/unit/queue/power_cut_story.h"

#include <sstream>

#include "lib/base/rng.h"

namespace posthaste::queue {

Accept story_message(MessageId id) {
  Rng rng(id.value);
  std::vector<To> to;
  const auto recipients = rng.chance(0.6) ? 1 : 2 + rng.below(2);
  for (std::uint64_t i = 0; i < recipients; ++i) {
    to.push_back({static_cast<ShardId>(rng.below(kShards)), static_cast<std::uint16_t>(i)});
  }
  const std::size_t bytes =
      rng.chance(0.1) ? mail::kChunkBytesMax + rng.below(100000) : 1 + rng.below(8000);
  Accept message = make_accept(id, to, bytes, id.value);
  message.history = event_of(mail::HistoryKind::kAccepted, "submitted");
  return message;
}

RocksOptions story_options(std::string dir) {
  RocksOptions options;
  options.dir = std::move(dir);
  options.min_free_space = 0;
  // Small, so that flushes and compactions are cut too.
  options.body_memtable_bytes = std::size_t{1} << 20;
  options.record_memtable_bytes = std::size_t{128} << 10;
  options.wal_bytes_max = std::uint64_t{16} << 20;
  return options;
}

std::string render(const StoryLine& line) {
  std::ostringstream text;
  text << line.verb << ' ' << line.who.shard << ' ' << line.who.id.value << ' ' << line.who.number
       << ' ' << line.more << '\n';
  return text.str();
}

StoryLine parse_story_line(const std::string& text) {
  StoryLine line;
  std::istringstream(text) >> line.verb >> line.who.shard >> line.who.id.value >> line.who.number >>
      line.more;
  return line;
}

}  // namespace posthaste::queue
