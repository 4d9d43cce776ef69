#include "daemon/suspension_notes.h"

#include <utility>
#include <vector>

#include "lib/base/codec.h"

namespace posthaste::daemon {
namespace {

using policy::Suspension;
using policy::SuspensionKind;

constexpr std::uint8_t kVersion = 1;

std::string key_of(const Suspension& suspension) {
  std::string key;
  ByteWriter out(key);
  out.u8(static_cast<std::uint8_t>(suspension.kind));
  out.rest(suspension.pattern);
  return key;
}

}  // namespace

queue::Keep keep_suspension(const Suspension& suspension) {
  std::string value;
  ByteWriter out(value);
  out.u8(kVersion);
  out.time(suspension.since);
  out.str(suspension.words);
  return {.kind = queue::NoteKind::kSuspension,
          .key = key_of(suspension),
          .value = std::move(value),
          .expires = suspension.until};
}

queue::DropNote drop_suspension(const Suspension& suspension) {
  return {.kind = queue::NoteKind::kSuspension, .key = key_of(suspension)};
}

std::optional<Suspension> read_suspension(std::string_view key, std::string_view value,
                                          Instant expires) {
  ByteReader name(key);
  const auto kind =
      static_cast<SuspensionKind>(name.u8(static_cast<std::uint8_t>(SuspensionKind::kSender)));
  const std::string pattern = name.rest();
  ByteReader in(value);
  if (in.u8(kVersion) != kVersion) return std::nullopt;
  const Instant since = in.time();
  std::string words = in.str();
  if (!name.right() || !in.used_up()) return std::nullopt;
  auto suspension = policy::parse_suspension(kind, pattern);
  // Another spelling than the folded one would never be found again by its key.
  if (!suspension || suspension->pattern != pattern) return std::nullopt;
  suspension->since = since;
  suspension->until = expires;
  suspension->words = std::move(words);
  return std::move(*suspension);
}

std::shared_ptr<const policy::Suspensions> restore_suspensions(const queue::Store& store,
                                                               Instant now, Log& log) {
  std::vector<Suspension> all;
  std::size_t damaged = 0;
  const auto read =
      store.notes(queue::NoteKind::kSuspension, now,
                  [&](const std::string& key, const std::string& value, Instant expires) {
                    if (auto suspension = read_suspension(key, value, expires)) {
                      all.push_back(std::move(*suspension));
                    } else {
                      ++damaged;
                    }
                  });
  if (!read) {
    log.write(
        LogLevel::kError, "suspensions_lost",
        {{"words", "what was suspended cannot be read, and is tried: " + read.error().words}});
  } else if (damaged != 0) {
    log.write(LogLevel::kError, "suspensions_lost",
              {{"count", std::to_string(damaged)},
               {"words", "damaged in the store; that mail is tried (posthaste suspensions)"}});
  }
  return std::make_shared<const policy::Suspensions>(std::move(all));
}

}  // namespace posthaste::daemon
