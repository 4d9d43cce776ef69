// The table of every field that a configuration file may have. Validation, the reference, the JSON
// Schema and the defaults all come from it, so that they cannot disagree.
//
// Threads      any; constants.
// Does not     hold values: bind.cc knows where in a Config a field's value goes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::config {

enum class Shape : std::uint8_t {
  kSection,    // a map with the fields below this path
  kSections,   // a list of such maps
  kNamed,      // a map of names, each with such a map
  kValue,      // one scalar
  kValues,     // a list of scalars
  kOneOrMore,  // a scalar, or a list of at least one
};

enum class Kind : std::uint8_t {
  kNothing,  // sections have no scalar
  kChoice,
  kCount,
  kCountOrAuto,
  kCertificateHolder,
  kCipherList,
  kDnsServer,
  kDomain,
  kDomainPattern,
  kDuration,
  kDurationOrNever,
  kEndpoint,
  kEndpointOrNone,
  kEnhancedCode,
  kFingerprint,
  kFlag,
  kFraction,
  kHostName,
  kLine,
  kMailAddress,
  kMatchName,
  kNetwork,
  kPath,
  kPathOrNone,
  kPathOrSystem,
  kPattern,
  kProfileName,
  kRate,
  kReplyCode,
  kRouteHost,
  kRuleName,
  kSize,
};

struct Field {
  std::string_view
      path;  // "delivery.timeouts.connect"; below kSections and kNamed as if there were one of them
  Shape shape = Shape::kValue;
  Kind kind = Kind::kNothing;
  std::string_view fallback = {};  // the default as it would be written; empty: none
  std::string_view example = {};   // a right value, for error messages
  std::string_view range =
      {};  // "1..65535", "1s..1h"; or "a|b|c" for kChoice and the names of kNamed
  std::string_view doc = {};  // one line
  bool required = false;      // only below kSections
};

// In the order of the documentation; a section stands before its fields.
std::span<const Field> fields();
const Field* find_field(std::string_view path);  // nullptr: no such field
// The fields directly below `path` ("" is the whole file).
std::vector<const Field*> fields_below(std::string_view path);
// "connect" of "delivery.timeouts.connect".
std::string_view last_part(std::string_view path);

// Known from the design, but not in this version: refused with words that say so, never ignored.
bool is_later_key(std::string_view path);
// What to say in place of a key that an earlier version had; empty: it is none.
std::string_view said_otherwise(std::string_view path);

// "a|b|c" -> a, b, c
std::vector<std::string_view> choices(const Field& field);

// What a kind of scalar is called in sentences ("a duration"), and the pattern that JSON Schema
// holds it to (empty: not a string).
std::string_view words(Kind kind);
std::string_view json_pattern(Kind kind);

// True where `text` is a scalar of the field's kind and within its range.
bool accepts(const Field& field, std::string_view text);

}  // namespace posthaste::config
