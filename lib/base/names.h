// Names that must not be mixed up, each a string of its own type.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/ids.h"

namespace posthaste {

template <typename Tag>
class Name {
 public:
  Name() = default;
  explicit Name(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  std::string text_;
};

// A domain that mail is routed by: lower case, no trailing dot, A-labels; or an address literal
// "[…]".
using RoutingDomain = Name<struct RoutingDomainTag>;
// The name of a mail host, as an MX record or a route has it: lower case, no trailing dot.
using MxName = Name<struct MxNameTag>;
// What we call ourselves in EHLO.
using HeloName = Name<struct HeloNameTag>;

// Lower-cases ASCII and drops one trailing dot; leaves every other octet alone.
std::string fold_domain(std::string_view domain);

// The shard of a routing domain; stable for ever, as it is stored in keys (FNV-1a, folded).
ShardId shard_of(const RoutingDomain& domain);

// Equality of ASCII text without regard to case.
bool equal_fold(std::string_view a, std::string_view b);

}  // namespace posthaste

template <typename Tag>
struct std::hash<posthaste::Name<Tag>> {
  std::size_t operator()(const posthaste::Name<Tag>& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
