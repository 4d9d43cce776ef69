#include "config/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace posthaste::config {
namespace {

constexpr std::size_t kShownMax = 60;
// More than can be told are not worth keeping, however long the file is.
constexpr std::size_t kKeptMax = 1000;

void add(std::vector<Diagnostic>& to, Diagnostic diagnostic) {
  if (to.size() < kKeptMax) to.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> sorted(std::vector<Diagnostic> diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                   });
  return diagnostics;
}

}  // namespace

void Findings::error(int line, int column, std::string words) {
  add(errors_, {Severity::kError, file_, line, column, std::move(words)});
}

void Findings::warning(int line, int column, std::string words) {
  add(warnings_, {Severity::kWarning, file_, line, column, std::move(words)});
}

std::vector<Diagnostic> Findings::take_errors() {
  std::vector<Diagnostic> errors = sorted(std::move(errors_));
  if (errors.size() > kErrorsMax) {
    errors.resize(kErrorsMax);
    errors.back() = {Severity::kError, file_, 0, 0, "and more errors; these come first"};
  }
  return errors;
}

std::vector<Diagnostic> Findings::take_warnings() { return sorted(std::move(warnings_)); }

std::string quoted(std::string_view text) {
  std::string shown(text.substr(0, kShownMax));
  if (text.size() > kShownMax) {
    // Never half a character: continuation octets of UTF-8 are 10xxxxxx.
    std::size_t end = kShownMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    shown.resize(end);
    shown += "…";
  }
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return fmt::format("\"{}\"", shown);
}

}  // namespace posthaste::config
