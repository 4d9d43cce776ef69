// Mailbox: local-part@domain of RFC 5321 §4.1.2, with RFC 6531 where the caller allows it.
//
// Lifetime     a value.
// Threads      any.
// Limits       RFC 5321 §4.5.3.1: local part 64 octets, label 63, domain 255, path 254 without its
//              angle brackets.
// Implements   RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3.
// Does not     look anything up, make A-labels of U-labels, or know which domains exist.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/names.h"
#include "lib/base/result.h"

namespace posthaste::mail {

inline constexpr std::size_t kLocalPartOctetsMax = 64;
inline constexpr std::size_t kLabelOctetsMax = 63;
inline constexpr std::size_t kDomainOctetsMax = 255;
inline constexpr std::size_t kPathOctetsMax = 254;  // "<" and ">" make it the 256 of §4.5.3.1.3

// A value. An empty Mailbox is the null reverse-path "<>".
class Mailbox {
 public:
  Mailbox() = default;
  // REQUIRES that text came from parse_mailbox or a record that was made of one.
  static Mailbox trusted(std::string text);

  const std::string& text() const { return text_; }  // without angle brackets
  bool null() const { return text_.empty(); }
  std::string_view local() const;   // as written: a quoted string keeps its quotes
  std::string_view domain() const;  // as written: may be in U-labels, or "[192.0.2.1]"
  bool ascii() const;               // false: only a peer with SMTPUTF8 can take it
  friend bool operator==(const Mailbox&, const Mailbox&) = default;

 private:
  std::string text_;
  std::uint32_t at_ = 0;  // where '@' stands; constant after construction
};

// Parses what stands between "<" and ">" (source routes are ignored, RFC 5321 §4.1.1.3). The empty
// text is an error: where "<>" means something, the caller knows. Error: kInvalid, with words for
// the peer.
Result<Mailbox> parse_mailbox(std::string_view text, bool allow_utf8);

// Parses a domain name (not a literal) by the rules above. Error: kInvalid, with words for the
// peer.
Status check_domain(std::string_view domain, bool allow_utf8);

// The domain that mail to this address is routed by (folded). REQUIRES !mailbox.null().
// U-labels stay: the resolver shell makes A-labels of them.
RoutingDomain routing_domain(const Mailbox& mailbox);

}  // namespace posthaste::mail
