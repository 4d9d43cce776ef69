// The two documents that the table of fields becomes: a reference for people, a JSON Schema for
// machines.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/render.h"
#include "config/schema.h"

namespace posthaste::config {
namespace {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string indent(std::size_t depth) { return std::string(2 * depth, ' '); }

bool is_number(Kind kind) { return kind == Kind::kCount || kind == Kind::kFraction; }

// The schema of one scalar, on one line.
std::string scalar_schema(const Field& field) {
  const std::size_t dots = field.range.find("..");
  if (field.kind == Kind::kChoice) {
    std::string list;
    for (const std::string_view choice : choices(field))
      list += (list.empty() ? "" : ", ") + json_string(choice);
    return fmt::format(R"({{"enum": [{}]}})", list);
  }
  if (field.kind == Kind::kFlag) return R"({"type": "boolean"})";
  if (is_number(field.kind) || field.kind == Kind::kCountOrAuto) {
    const std::string number =
        fmt::format(R"({{"type": "{}", "minimum": {}, "maximum": {}}})",
                    field.kind == Kind::kFraction ? "number" : "integer",
                    field.range.substr(0, dots), field.range.substr(dots + 2));
    return field.kind == Kind::kCountOrAuto
               ? fmt::format(R"({{"anyOf": [{{"const": "auto"}}, {}]}})", number)
               : number;
  }
  if (field.kind == Kind::kReplyCode) {
    return fmt::format(R"({{"anyOf": [{{"type": "integer", "minimum": 400, "maximum": 599}}, )"
                       R"({{"type": "string", "pattern": {}}}]}})",
                       json_string(json_pattern(field.kind)));
  }
  // A size without a unit is a number in YAML, and so may be a name.
  const bool may_be_number = field.kind == Kind::kSize || field.kind == Kind::kProfileName ||
                             field.kind == Kind::kRuleName;
  return fmt::format(R"({{"type": {}, "pattern": {}}})",
                     may_be_number ? R"(["string", "integer"])" : R"("string")",
                     json_string(json_pattern(field.kind)));
}

std::string map_schema(std::string_view path, std::size_t depth);

std::string field_schema(const Field& field, std::size_t depth) {
  switch (field.shape) {
    case Shape::kSection: return map_schema(field.path, depth);
    case Shape::kSections:
      return fmt::format("{{\"type\": [\"array\", \"null\"], \"items\": {}}}",
                         map_schema(field.path, depth));
    case Shape::kNamed: {
      std::string names;
      for (const std::string_view name : choices(field))
        names += (names.empty() ? "" : "|") + std::string(name);
      return fmt::format(
          "{{\"type\": [\"object\", \"null\"], \"propertyNames\": {{\"pattern\": {}}}, "
          "\"additionalProperties\": {}}}",
          json_string(names.empty() ? std::string(json_pattern(Kind::kProfileName))
                                    : fmt::format("^({})$", names)),
          map_schema(field.path, depth));
    }
    case Shape::kValue: return scalar_schema(field);
    case Shape::kValues:
      return fmt::format(R"({{"type": ["array", "null"], "items": {}}})", scalar_schema(field));
    case Shape::kOneOrMore: {
      const std::string one = scalar_schema(field);
      return fmt::format(R"({{"anyOf": [{}, {{"type": "array", "minItems": 1, "items": {}}}]}})",
                         one, one);
    }
  }
  return "true";
}

// `"description": …, "default": …, ` to stand first in a field's schema.
std::string annotations(const Field& field) {
  std::string text = fmt::format("\"description\": {}, ", json_string(field.doc));
  if (field.shape == Shape::kValue && !field.fallback.empty()) {
    const bool is_text = !is_number(field.kind) && field.kind != Kind::kFlag;
    text += fmt::format("\"default\": {}, ",
                        is_text ? json_string(field.fallback) : std::string(field.fallback));
  }
  return text;
}

std::string map_schema(std::string_view path, std::size_t depth) {
  std::string properties;
  std::string required;
  for (const Field* field : fields_below(path)) {
    const std::string schema = field_schema(*field, depth + 2);
    properties +=
        fmt::format("{}{}{}: {{{}{}", properties.empty() ? "" : ",\n", indent(depth + 2),
                    json_string(last_part(field->path)), annotations(*field), schema.substr(1));
    if (field->required)
      required += (required.empty() ? "" : ", ") + json_string(last_part(field->path));
  }
  std::string out =
      fmt::format("{{\"type\": [\"object\", \"null\"],\n{}\"additionalProperties\": false,\n",
                  indent(depth + 1));
  if (!required.empty()) out += fmt::format("{}\"required\": [{}],\n", indent(depth + 1), required);
  return out + fmt::format("{}\"properties\": {{\n{}\n{}}}}}", indent(depth + 1), properties,
                           indent(depth + 1));
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

std::string type_cell(const Field& field) {
  std::string type = std::string(words(field.kind));
  if (field.kind == Kind::kChoice) {
    type.clear();
    for (const std::string_view choice : choices(field))
      type += (type.empty() ? "" : ", ") + code(choice);
  } else if (const std::size_t dots = field.range.find(".."); dots != std::string_view::npos) {
    type += fmt::format(", {} to {}", field.range.substr(0, dots), field.range.substr(dots + 2));
  }
  if (field.shape == Shape::kValues) return "list: " + type;
  if (field.shape == Shape::kOneOrMore) return "one or a list: " + type;
  return type;
}

std::string reference_row(const Field& field) {
  std::string fallback = code(field.fallback);
  if (field.required) fallback = "required";
  return fmt::format("| `{}` | {} | {} | {} |\n", last_part(field.path), cell(type_cell(field)),
                     cell(fallback), cell(field.doc));
}

bool is_scalar(const Field& field) {
  return field.shape == Shape::kValue || field.shape == Shape::kValues ||
         field.shape == Shape::kOneOrMore;
}

std::string sentence(std::string_view words) {
  std::string out(words);
  if (out.front() >= 'a' && out.front() <= 'z')
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out;
}

// "`listen` (list)", "`tls.profiles.NAME`"
std::string heading(const Field& field) {
  if (field.shape == Shape::kSections) return fmt::format("`{}` (list)", field.path);
  if (field.shape == Shape::kNamed) return fmt::format("`{}.NAME`", field.path);
  return code(field.path);
}

void append_section(std::string& out, std::string_view path) {
  const std::vector<const Field*> below = fields_below(path);
  if (std::any_of(below.begin(), below.end(),
                  [](const Field* field) { return is_scalar(*field); })) {
    out += "\n| key | value | default | |\n|---|---|---|---|\n";
    for (const Field* field : below) {
      if (is_scalar(*field)) out += reference_row(*field);
    }
  }
  for (const Field* field : below) {
    if (is_scalar(*field)) continue;
    out += fmt::format("\n## {}\n\n{}.\n", heading(*field), sentence(field->doc));
    if (field->shape == Shape::kNamed && !choices(*field).empty()) {
      out += fmt::format("\nNAME: {}.\n",
                         type_cell({.path = {}, .kind = Kind::kChoice, .range = field->range}));
    }
    if (field->shape == Shape::kSections && field->fallback != "[]") {
      out += fmt::format("\nDefault: `{}`\n", field->fallback);
    }
    append_section(out, field->path);
  }
}

}  // namespace

std::string render_json_schema() {
  const std::string body = map_schema("", 0);
  return fmt::format(
      "{{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": "
      "\"posthaste.yaml\",\n  {}\n",
      body.substr(1));
}

std::string render_reference() {
  std::string out =
      "# Configuration reference\n\n"
      "Made from the table in `config/schema_table.cc` by `posthaste config reference`; do not "
      "edit by hand.\n\n"
      "Every field may be left out. Durations are `500ms 10s 5m 2h 5d`, sizes `50MiB 10KB`, rates "
      "`100/m` (per `s`,\n"
      "`m`, `h` or `d`) or `unlimited`. Unknown keys are errors; anchors, aliases and tags of YAML "
      "are not taken.\n"
      "`posthasted --check` tells all errors of a file, `posthaste config show` the effective "
      "values.\n";
  append_section(out, "");
  return out;
}

}  // namespace posthaste::config
