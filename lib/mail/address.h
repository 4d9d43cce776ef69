// Mailbox: local-part@domain of RFC 5321 §4.1.2, with RFC 6531 where the caller allows it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/names.h"
#include "lib/base/result.h"

namespace posthaste::mail {

// A value. An empty Mailbox is the null reverse-path "<>".
class Mailbox {
 public:
  Mailbox() = default;
  // REQUIRES that text came from parse_mailbox or a record that was made of one.
  static Mailbox trusted(std::string text);

  const std::string& text() const { return text_; }  // without angle brackets
  bool null() const { return text_.empty(); }
  std::string_view local() const;
  std::string_view domain() const;  // as written: may be in U-labels, or "[192.0.2.1]"
  bool ascii() const;               // false: only a peer with SMTPUTF8 can take it
  friend bool operator==(const Mailbox&, const Mailbox&) = default;

 private:
  std::string text_;
  std::uint32_t at_ = 0;  // where '@' stands; constant after construction
};

// Parses what stands between "<" and ">" (source routes are ignored, RFC 5321 §4.1.1.3).
// Limits: local part 64 octets, domain 255, whole path 254. Error: kInvalid, with words for the peer.
Result<Mailbox> parse_mailbox(std::string_view text, bool allow_utf8);

// The domain that mail to this address is routed by (folded). REQUIRES !mailbox.null().
// U-labels stay: the resolver shell makes A-labels of them.
RoutingDomain routing_domain(const Mailbox& mailbox);

}  // namespace posthaste::mail
