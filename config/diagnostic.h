// Diagnostic: one thing that is wrong, or doubtful, with a configuration file, and where.
#pragma once

#include <cstdint>
#include <string>

namespace posthaste::config {

enum class Severity : std::uint8_t { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;
  int line = 0;       // from 1; 0: the file as a whole
  int column = 0;     // from 1, in octets as yaml-cpp counts them
  std::string words;  // what was expected, what was found, an example of a right value
};

// "posthaste.yaml:12:5: error: unknown key "conections"; did you mean "connections"?"
std::string render_diagnostic(const Diagnostic& diagnostic);

}  // namespace posthaste::config
