// The story that a power cut interrupts: power_cut_writer lives it and tells of it line by line,
// power_cut_test listens, cuts, and looks what is left.
#pragma once

#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {

// The message of this id, always the same: one to three recipients, up to three chunks.
Accept story_message(MessageId id);
RocksOptions story_options(std::string dir);

// One line: a verb and what it is about. "try" comes before the commit, "did" after it was
// answered.
//   try-accept ID                   did-accept ID
//   try-end SHARD ID NUMBER DSN     did-end SHARD ID NUMBER      DSN: the id of a bounce in the
//   same write, or 0 try-defer SHARD ID NUMBER REV   did-defer SHARD ID NUMBER REV
struct StoryLine {
  std::string verb;
  RecipientKey who;
  std::uint64_t more = 0;  // DSN or REV
};
std::string render(const StoryLine& line);
StoryLine parse_story_line(const std::string& text);

}  // namespace posthaste::queue
