// Arguments: what was typed behind `posthaste`, held against the table of commands.
//
// Threads      any; no state.
// Does not     know what a command does, read files, or print.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace posthaste::daemon::tool {

struct Option {
  std::string_view name;   // "--domain"
  std::string_view value;  // "D", as the help names it; empty: a flag
  std::string_view doc;
  bool repeated = false;
};

struct CommandSyntax {
  std::string_view name;      // "queue list"
  std::string_view operands;  // "ID", "[FILE]"; empty: none
  std::string_view summary;   // one line
  std::vector<Option> options;
  std::string_view notes = {};  // further lines of the help

  std::size_t operands_min() const;
  std::size_t operands_max() const;
};

// Options that every command takes, before or behind its name.
std::span<const Option> common_options();

struct Arguments {
  const CommandSyntax* command = nullptr;  // nullptr: none was named, which only --help may
  std::map<std::string, std::vector<std::string>, std::less<>> options;  // "--domain" -> values
  std::vector<std::string> operands;

  bool has(std::string_view option) const { return options.contains(option); }
  // The last value given, or the empty string.
  std::string value(std::string_view option) const;
  std::vector<std::string> values(std::string_view option) const;
};

// Takes "--name value" and "--name=value"; what stands behind "--" is operands. Error: kInvalid,
// with the nearest known word where one is near. A request for help excuses missing operands.
Result<Arguments> parse_arguments(std::span<const std::string> words,
                                  std::span<const CommandSyntax> commands);

// All commands, one a line; and one command in full.
std::string render_help(std::span<const CommandSyntax> commands);
std::string render_help(const CommandSyntax& command);

}  // namespace posthaste::daemon::tool
