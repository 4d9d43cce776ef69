#include "config/diagnostic.h"

#include <fmt/format.h>

namespace posthaste::config {

std::string render_diagnostic(const Diagnostic& diagnostic) {
  const char* severity = diagnostic.severity == Severity::kError ? "error" : "warning";
  if (diagnostic.line == 0)
    return fmt::format("{}: {}: {}", diagnostic.file, severity, diagnostic.words);
  return fmt::format("{}:{}:{}: {}: {}", diagnostic.file, diagnostic.line, diagnostic.column,
                     severity, diagnostic.words);
}

}  // namespace posthaste::config
