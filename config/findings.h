// Findings: the diagnostics of one configuration file while it is being read.
//
// Lifetime     one load.
// Threads      one at a time.
// Limits       kErrorsMax errors are kept; the last one says that there are more.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"

namespace posthaste::config {

class Findings {
 public:
  static constexpr std::size_t kErrorsMax = 50;

  explicit Findings(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }
  bool has_errors() const { return !errors_.empty(); }

  void error(int line, int column, std::string words);
  void warning(int line, int column, std::string words);
  // At the place of a Node or Node::Entry.
  template <typename Place>
  void error(const Place& place, std::string words) {
    error(place.line, place.column, std::move(words));
  }
  template <typename Place>
  void warning(const Place& place, std::string words) {
    warning(place.line, place.column, std::move(words));
  }

  // In the order of the file, at most kErrorsMax.
  std::vector<Diagnostic> take_errors();
  std::vector<Diagnostic> take_warnings();

 private:
  std::string file_;
  std::vector<Diagnostic> errors_;
  std::vector<Diagnostic> warnings_;
};

// Text of the file as it can be shown in one line: cut at 60 octets, control characters as '?', in
// quotes.
std::string quoted(std::string_view text);

}  // namespace posthaste::config
