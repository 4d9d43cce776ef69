#include "lib/policy/tls_policy.h"

#include <array>

#include "lib/base/check.h"

namespace posthaste::policy {
namespace {

// In the order of their enumerators.
constexpr std::array<std::string_view, kTlsLevels> kLevels{
    "none", "may", "dane", "encrypt", "dane-only", "fingerprint", "verify", "secure"};
constexpr std::array<std::string_view, 3> kStaplings{"ignore", "check", "require"};
constexpr std::array<std::string_view, 2> kConnects{"starttls", "implicit"};
constexpr std::array<std::string_view, 3> kChoices{"plaintext", "defer", "bounce"};

template <std::size_t kCount, typename Enum>
std::string_view nth(const std::array<std::string_view, kCount>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  CHECK(index < kCount);
  return names[index];
}

}  // namespace

std::string_view name(TlsLevel level) { return nth(kLevels, level); }
std::string_view name(TlsConnect connect) { return nth(kConnects, connect); }
std::string_view name(OnTlsFailure choice) { return nth(kChoices, choice); }
std::string_view name(OcspStapling choice) { return nth(kStaplings, choice); }

}  // namespace posthaste::policy
