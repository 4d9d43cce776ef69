// Whatever is read as an address, network or endpoint is rendered to text that reads back as the
// same value.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/base/ip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = posthaste::parse_ip(text)) {
    const auto again = posthaste::parse_ip(posthaste::render_ip(*address));
    CHECK(again == *address);
    CHECK(!posthaste::is_loopback(*address) || posthaste::is_special_purpose(*address));
  }
  if (const auto network = posthaste::parse_network(text)) {
    const auto again = posthaste::parse_network(posthaste::render_network(*network));
    CHECK(again && again->base == network->base && again->prefix_bits == network->prefix_bits);
    CHECK(network->contains(network->base));
  }
  if (const auto endpoint = posthaste::parse_endpoint(text)) {
    CHECK(posthaste::parse_endpoint(posthaste::render_endpoint(*endpoint)) == *endpoint);
  }
  return 0;
}
