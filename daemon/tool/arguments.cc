#include "daemon/tool/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "config/nearest.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::array<Option, 5> kCommon{
    Option{"--socket", "PATH", "the daemon's admin socket"},
    Option{"--config", "FILE", "configuration to take defaults from"},
    Option{"--json", "", "print the daemon's answer as it came"},
    Option{"--help", "", "say what can be said"},
    Option{"--version", "", "print the version"},
};

const Option* find_option(const CommandSyntax* command, std::string_view name) {
  const auto named = [name](const Option& option) { return option.name == name; };
  const auto common = std::find_if(kCommon.begin(), kCommon.end(), named);
  if (common != kCommon.end()) return &*common;
  if (command == nullptr) return nullptr;
  const auto own = std::find_if(command->options.begin(), command->options.end(), named);
  return own == command->options.end() ? nullptr : &*own;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  const auto near = config::nearest(word, known);
  return near ? fmt::format("; did you mean \"{}\"?", *near) : std::string();
}

tl::unexpected<Error> unknown_option(const CommandSyntax* command, std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& option : kCommon) known.push_back(option.name);
  if (command != nullptr) {
    for (const auto& option : command->options) known.push_back(option.name);
  }
  const std::string help = command == nullptr ? "--help" : fmt::format("{} --help", command->name);
  return fail(ErrorCode::kInvalid, fmt::format("unknown option \"{}\"{} (see posthaste {})", name,
                                               did_you_mean(name, known), help));
}

// Looks for a command that is the first or the first two of the operands, and takes them away.
const CommandSyntax* take_command(std::vector<std::string>& operands,
                                  std::span<const CommandSyntax> commands) {
  for (const std::size_t length : {std::size_t{2}, std::size_t{1}}) {
    if (operands.size() < length) continue;
    const std::string name = length == 1 ? operands[0] : operands[0] + ' ' + operands[1];
    for (const auto& command : commands) {
      if (command.name != name) continue;
      operands.erase(operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(length));
      return &command;
    }
  }
  return nullptr;
}

tl::unexpected<Error> unknown_command(const std::vector<std::string>& operands,
                                      std::span<const CommandSyntax> commands) {
  std::vector<std::string_view> known;
  std::string group;  // "queue list, queue show"
  for (const auto& command : commands) {
    known.push_back(command.name);
    if (command.name.starts_with(operands[0] + ' ')) {
      group += (group.empty() ? "" : ", ") + std::string(command.name);
    }
  }
  std::string said = operands[0];
  if (operands.size() > 1) said += ' ' + operands[1];
  if (!group.empty()) {
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no command; there is {}", said, group));
  }
  std::string hint = did_you_mean(said, known);
  if (hint.empty()) hint = did_you_mean(operands[0], known);
  return fail(ErrorCode::kInvalid,
              fmt::format("\"{}\" is no command{} (see posthaste --help)", operands[0], hint));
}

Status check_operands(const Arguments& arguments) {
  const CommandSyntax& command = *arguments.command;
  if (arguments.has("--help")) return {};
  const std::size_t count = arguments.operands.size();
  if (count < command.operands_min()) {
    return fail(ErrorCode::kInvalid, fmt::format("{}: {} is missing (see posthaste {} --help)",
                                                 command.name, command.operands, command.name));
  }
  if (count > command.operands_max()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: \"{}\" is too much (see posthaste {} --help)", command.name,
                            arguments.operands[command.operands_max()], command.name));
  }
  return {};
}

// One option as it was typed, before it is known which command it belongs to.
struct TypedOption {
  std::string name;
  std::optional<std::string> value;  // "--name=value"
  std::size_t at = 0;                // in the words
};

// Whether `name` takes a value in any command: needed to tell values from operands before the
// command is known.
bool takes_value(std::string_view name, std::span<const CommandSyntax> commands) {
  for (const auto& command : commands) {
    const Option* option = find_option(&command, name);
    if (option != nullptr) {
      if (!option->value.empty()) return true;
    }
  }
  return false;
}

Status add_option(Arguments& arguments, const TypedOption& typed) {
  const Option* option = find_option(arguments.command, typed.name);
  if (option == nullptr) return unknown_option(arguments.command, typed.name);
  auto& values = arguments.options[typed.name];
  if (option->value.empty()) {
    if (typed.value) {
      return fail(ErrorCode::kInvalid, fmt::format("{} takes no value", typed.name));
    }
    return {};
  }
  if (!typed.value) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} needs a value: {} {}", typed.name, typed.name, option->value));
  }
  if (!option->repeated && !values.empty()) {
    return fail(ErrorCode::kInvalid, fmt::format("{} was given twice", typed.name));
  }
  values.push_back(*typed.value);
  return {};
}

std::string option_lines(std::span<const Option> options) {
  std::string text;
  for (const auto& option : options) {
    const std::string left = option.value.empty() ? std::string(option.name)
                                                  : fmt::format("{} {}", option.name, option.value);
    text += fmt::format("  {:<20} {}{}\n", left, option.doc,
                        option.repeated ? " (may be repeated)" : "");
  }
  return text;
}

}  // namespace

std::size_t CommandSyntax::operands_max() const {
  if (operands.empty()) return 0;
  return static_cast<std::size_t>(std::count(operands.begin(), operands.end(), ' ')) + 1;
}

std::size_t CommandSyntax::operands_min() const {
  return operands_max() -
         static_cast<std::size_t>(std::count(operands.begin(), operands.end(), '['));
}

std::span<const Option> common_options() { return kCommon; }

std::string Arguments::value(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() || found->second.empty() ? std::string() : found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() ? std::vector<std::string>() : found->second;
}

Result<Arguments> parse_arguments(std::span<const std::string> words,
                                  std::span<const CommandSyntax> commands) {
  Arguments arguments;
  std::vector<TypedOption> typed;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      arguments.operands.insert(arguments.operands.end(),
                                words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word == "-h") {
      typed.push_back({"--help", std::nullopt, i});
    } else if (word.size() < 2 || word.front() != '-') {
      arguments.operands.push_back(word);  // "-" alone is an operand: standard input
    } else {
      const std::size_t equals = word.find('=');
      TypedOption option{word.substr(0, equals), std::nullopt, i};
      if (equals != std::string::npos) {
        option.value = word.substr(equals + 1);
      } else if (takes_value(option.name, commands) && i + 1 < words.size()) {
        option.value = words[++i];
      }
      typed.push_back(std::move(option));
    }
  }
  arguments.command = take_command(arguments.operands, commands);
  for (const auto& option : typed) {
    if (auto added = add_option(arguments, option); !added) return tl::unexpected(added.error());
  }
  if (arguments.has("--version")) return arguments;
  if (arguments.command == nullptr) {
    if (!arguments.operands.empty() && !arguments.has("--help")) {
      return unknown_command(arguments.operands, commands);
    }
    return arguments;
  }
  if (auto checked = check_operands(arguments); !checked) return tl::unexpected(checked.error());
  return arguments;
}

std::string render_help(std::span<const CommandSyntax> commands) {
  std::string text =
      "posthaste: look into a running posthasted, and hand it mail\n"
      "\n"
      "Commands\n";
  for (const auto& command : commands) {
    const std::string left = fmt::format("{} {}", command.name, command.operands);
    text += fmt::format("  {:<20} {}\n", left, command.summary);
  }
  text += "\nOptions of every command\n" + option_lines(kCommon);
  return text +
         "\n"
         "posthaste COMMAND --help says more. Exit status: 0 done, 1 failed or not found, 2 not "
         "understood.\n";
}

std::string render_help(const CommandSyntax& command) {
  std::string text =
      fmt::format("posthaste {}{}{} [OPTIONS]\n\n{}\n", command.name,
                  command.operands.empty() ? "" : " ", command.operands, command.summary);
  if (!command.notes.empty()) text += fmt::format("\n{}\n", command.notes);
  text += "\nOptions\n" + option_lines(command.options) + option_lines(kCommon);
  return text;
}

}  // namespace posthaste::daemon::tool
