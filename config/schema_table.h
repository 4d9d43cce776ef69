// The rows behind config/schema.h, which alone reads them.
#pragma once

#include <span>
#include <string_view>

#include "config/schema.h"

namespace posthaste::config {

struct OldKey {
  std::string_view path;
  std::string_view instead;  // "ladder: [NAME]"
};

std::span<const Field> table_of_fields();
std::span<const std::string_view> table_of_later_keys();
std::span<const OldKey> table_of_old_keys();

}  // namespace posthaste::config
