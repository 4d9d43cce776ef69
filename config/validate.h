// validate: holds a tree against the table of fields, one field at a time.
//
// Threads      any; no state.
// Does not     compare fields with each other; see config/cross_check.h.
#pragma once

#include <string_view>

#include "config/findings.h"
#include "config/node.h"

namespace posthaste::config {

// Tells every unknown key, wrong type, value out of range and missing field. ENSURES that without
// errors each scalar under `root` is one that accepts() of its field takes.
void validate(const Node& root, Findings& findings);
// As above, of a file that is nothing but the value of one field. REQUIRES that the table has it.
void validate_as(std::string_view path, const Node& root, Findings& findings);

}  // namespace posthaste::config
