#include "lib/tls/client_offer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace posthaste::tls {
namespace {

constexpr std::size_t kKept = 20;
constexpr std::uint16_t kSecureRenegotiation = 0x00ff;  // RFC 5746 §3.3: a signal, no cipher

// RFC 8701: made up by clients, so that servers get used to unknown values.
bool is_grease(std::uint16_t value) {
  return (value & 0x0f0fU) == 0x0a0aU && value >> 8U == (value & 0xffU);
}

std::vector<std::uint16_t> numbers_in(std::string_view octets) {
  std::vector<std::uint16_t> numbers;
  for (std::size_t i = 0; i + 1 < octets.size() && numbers.size() < kKept; i += 2) {
    const auto high = static_cast<unsigned char>(octets[i]);
    const auto low = static_cast<unsigned char>(octets[i + 1]);
    const auto number = static_cast<std::uint16_t>(high << 8U | low);
    if (!is_grease(number) && number != kSecureRenegotiation) numbers.push_back(number);
  }
  return numbers;
}

// The list in an extension, behind its own length of `length_octets`.
std::vector<std::uint16_t> list_in(SSL* ssl, unsigned extension, std::size_t length_octets) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, extension, &data, &size) != 1) return {};
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  return numbers_in(octets.substr(std::min(length_octets, octets.size())));
}

struct Known {
  std::uint16_t number;
  std::string_view name;
};
constexpr std::array<Known, 5> kVersions{{{SSL3_VERSION, "SSLv3"},
                                          {TLS1_VERSION, "TLSv1.0"},
                                          {TLS1_1_VERSION, "TLSv1.1"},
                                          {TLS1_2_VERSION, "TLSv1.2"},
                                          {TLS1_3_VERSION, "TLSv1.3"}}};
constexpr std::array<Known, 8> kGroups{{{23, "P-256"},
                                        {24, "P-384"},
                                        {25, "P-521"},
                                        {29, "X25519"},
                                        {30, "X448"},
                                        {256, "ffdhe2048"},
                                        {257, "ffdhe3072"},
                                        {0x11ec, "X25519MLKEM768"}}};

template <typename Table>
std::string name_in(const Table& table, std::uint16_t number) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Known& known) { return known.number == number; });
  return found != table.end() ? std::string(found->name) : fmt::format("0x{:04x}", number);
}

// IANA's name, where OpenSSL knows the cipher: it was built without the worst of them.
std::string cipher_name(const SSL* ssl, std::uint16_t number) {
  const std::array<unsigned char, 2> octets{static_cast<unsigned char>(number >> 8U),
                                            static_cast<unsigned char>(number & 0xffU)};
  const SSL_CIPHER* cipher = SSL_CIPHER_find(const_cast<SSL*>(ssl), octets.data());
  const char* name = cipher != nullptr ? SSL_CIPHER_standard_name(cipher) : nullptr;
  return name != nullptr ? name : fmt::format("0x{:04x}", number);
}

template <typename Name>
std::string joined(const std::vector<std::uint16_t>& numbers, const Name& name) {
  std::vector<std::string> names;
  for (const std::uint16_t number : numbers) names.push_back(name(number));
  return fmt::format("{}{}", fmt::join(names, ", "), numbers.size() == kKept ? " …" : "");
}

}  // namespace

ClientOffer read_offer(SSL* ssl) {
  ClientOffer offer;
  offer.versions = list_in(ssl, TLSEXT_TYPE_supported_versions, 1);
  if (offer.versions.empty()) {
    offer.versions = {static_cast<std::uint16_t>(SSL_client_hello_get0_legacy_version(ssl))};
  }
  const unsigned char* ciphers = nullptr;
  if (SSL_client_hello_isv2(ssl) == 0) {
    const std::size_t size = SSL_client_hello_get0_ciphers(ssl, &ciphers);
    offer.ciphers = numbers_in({reinterpret_cast<const char*>(ciphers), size});
  }
  offer.groups = list_in(ssl, TLSEXT_TYPE_supported_groups, 2);
  return offer;
}

std::string render(const ClientOffer& offer, const SSL* ssl) {
  if (offer.versions.empty()) return {};
  std::string text =
      joined(offer.versions, [](std::uint16_t number) { return name_in(kVersions, number); });
  if (!offer.ciphers.empty()) {
    text += " with " +
            joined(offer.ciphers, [&](std::uint16_t number) { return cipher_name(ssl, number); });
  }
  if (!offer.groups.empty()) {
    text += "; groups " +
            joined(offer.groups, [](std::uint16_t number) { return name_in(kGroups, number); });
  }
  return text;
}

}  // namespace posthaste::tls
