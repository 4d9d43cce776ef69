#include "lib/delivery/site.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthaste::delivery {
namespace {

// FNV-1a, folded to what a person can compare: it only tells apart sites that begin alike.
std::uint16_t short_hash(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return static_cast<std::uint16_t>(hash ^ (hash >> 16));
}

}  // namespace

std::string render_site(std::string_view key) {
  const auto others = std::count(key.begin(), key.end(), ' ');
  const std::string_view first = key.substr(0, key.find(' '));
  if (others == 0) return std::string(first);
  return fmt::format("{} +{} #{:04x}", first, others, short_hash(key));
}

}  // namespace posthaste::delivery
