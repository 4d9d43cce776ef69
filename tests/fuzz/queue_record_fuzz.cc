// Any bytes as a stored record: they are refused, or they are the only encoding of what was read
// from them, or its encoding in version 1, which is no longer written. The first octet chooses the
// kind of record.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "queue/record.h"

namespace {

using namespace posthaste;

bool old(std::string_view bytes) { return bytes.front() == '\x01'; }

void try_envelope(std::string_view bytes) {
  const auto envelope = queue::decode_envelope(MessageId{1}, bytes);
  if (!envelope) return;
  std::string again;
  queue::encode_envelope(*envelope, again);
  if (old(bytes)) {
    CHECK(queue::decode_envelope(MessageId{1}, again).value() == *envelope);
  } else {
    CHECK(again == bytes);
  }
}

void try_recipient(std::string_view bytes) {
  const auto record = queue::decode_recipient(5, 6, bytes);
  if (!record) return;
  std::string again;
  queue::encode_recipient(record->pending, record->message, again);
  if (old(bytes)) {
    const auto twin = queue::decode_recipient(5, 6, again);
    CHECK(twin && twin->pending == record->pending && twin->message == record->message);
  } else {
    CHECK(again == bytes);
  }
}

void try_history(std::string_view bytes) {
  std::vector<mail::HistoryEvent> events;
  if (!queue::decode_history(bytes, events)) return;
  std::string again;
  queue::encode_history(events, again);
  CHECK(again == bytes);
}

void try_note(std::string_view bytes) {
  const auto note = queue::decode_note(bytes);
  if (!note) return;
  std::string again;
  queue::encode_note(note->expires, note->value, again);
  CHECK(again == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: try_envelope(bytes); break;
    case 1: try_recipient(bytes); break;
    case 2: try_history(bytes); break;
    case 3: try_note(bytes); break;
  }
  return 0;
}
