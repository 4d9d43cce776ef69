// What the memory of hosts' TLS takes back from the store, it drops again under the same key; and
// nothing that is stored there breaks it. The first octet says of which kind the note is, the
// second how long its key is.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/policy/tls_memory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthaste;
  using namespace posthaste::policy;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.size() < 2) return 0;
  const bool shown = (input[0] & 1) != 0;
  const auto key_size = static_cast<unsigned char>(input[1]);
  input.remove_prefix(2);
  const std::string_view key = input.substr(0, key_size);
  const std::string_view value = input.substr(key.size());

  const Instant now{std::chrono::hours(480'000)};
  TlsMemory memory(Rng(1));
  memory.restore(shown, key, value, now + std::chrono::hours(1), now);
  std::string subject;
  memory.for_each([&](const TlsMemory::View& view) {
    subject = view.subject;
    CHECK(view.policy.empty() || !shown);
    CHECK(view.remembered.expires > now);
  });
  if (memory.size() == 0) return 0;
  TlsMemory::Changes changes;
  // A host's name may be of octets that no operator would type: then it is not found, but stays.
  if (memory.forget(subject, changes) == 1) {
    CHECK(changes.size() == 1 && changes[0].drop && changes[0].shown == shown);
    CHECK(changes[0].key == key);
  }
  return 0;
}
