#include "lib/base/names.h"

namespace posthaste {
namespace {

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string fold_domain(std::string_view domain) {
  if (!domain.empty() && domain.back() == '.') domain.remove_suffix(1);
  std::string folded(domain);
  for (char& c : folded) c = fold(c);
  return folded;
}

ShardId shard_of(const RoutingDomain& domain) {
  std::uint32_t hash = 2166136261U;
  for (const char c : domain.text()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  return static_cast<ShardId>((hash ^ (hash >> 16)) % kShards);
}

bool equal_fold(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (fold(a[i]) != fold(b[i])) return false;
  }
  return true;
}

}  // namespace posthaste
