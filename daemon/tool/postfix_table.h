// PostfixTable: Postfix's smtp_tls_policy_maps table, and the YAML that says the same to us.
//
// Threads      pure functions.
// Does not     read main.cf: what a table leaves to smtp_tls_* settings is not known here; regexp,
//              pcre and database tables are not text that could be read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::daemon::tool {

// One line that could be converted only in part, or not at all.
struct PostfixRemark {
  std::size_t line = 0;  // 1-based
  std::string words;
};

struct ImportedPolicy {
  std::string yaml;  // a `tls:` section with profiles and domains; loads as it is
  std::vector<PostfixRemark> remarks;
  std::size_t rules = 0;
};

// Takes any text; what it cannot understand becomes a remark, never a rule. Logical lines as in
// postmap(1): a line that begins with white space goes on with the one before, '#' begins a comment
// line.
ImportedPolicy import_postfix(std::string_view table);

}  // namespace posthaste::daemon::tool
