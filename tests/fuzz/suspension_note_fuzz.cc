// What is read of a suspension's note is written the same again; and nothing that is stored there
// breaks the reading. The first octet says how long the key is.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/suspension_notes.h"
#include "lib/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthaste;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  const auto key_size = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  const std::string_view key = input.substr(0, key_size);
  const std::string_view value = input.substr(key.size());
  const auto suspension = daemon::read_suspension(key, value, kNever);
  if (!suspension) return 0;
  const auto note = daemon::keep_suspension(*suspension);
  CHECK(note.key == key && note.value == value && note.expires == kNever);
  CHECK(daemon::drop_suspension(*suspension).key == key);
  return 0;
}
