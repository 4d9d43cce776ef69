// parse_yaml over yaml-cpp, by its events: anchors, tags and duplicate keys are gone in its own
// tree. The one file of ours that knows yaml-cpp; its exceptions end here.
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <exception>
#include <sstream>
#include <utility>

#include "config/node.h"
#include "config/text_check.h"

namespace posthaste::config {
namespace {

constexpr std::size_t kLevelsMax = 50;

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Findings& findings) : findings_(findings) {}

  Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    complain(mark, "aliases (*name) are not supported; write the value out");
    attach(at(mark, Node::Kind::kNull));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_decoration(mark, "", anchor);
    attach(at(mark, Node::Kind::kNull));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_decoration(mark, tag, anchor);
    Node node = at(mark, Node::Kind::kScalar);
    node.text = value;
    attach(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_decoration(mark, tag, anchor);
    open(at(mark, Node::Kind::kList));
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_decoration(mark, tag, anchor);
    open(at(mark, Node::Kind::kMap));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    bool has_key = false;  // kMap: the next node is the value of `key`
    Node::Entry key;
  };

  static Node at(const YAML::Mark& mark, Node::Kind kind) {
    Node node;
    node.kind = kind;
    node.line = std::max(mark.line, 0) + 1;
    node.column = std::max(mark.column, 0) + 1;
    return node;
  }

  void complain(const YAML::Mark& mark, std::string words) {
    const Node place = at(mark, Node::Kind::kNull);
    findings_.error(place, std::move(words));
  }

  void check_decoration(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      complain(mark, "anchors (&name) are not supported; write the value out");
    // "?" is what a plain value has, "!" a quoted one.
    if (!tag.empty() && tag != "?" && tag != "!") complain(mark, "tags (!name) are not supported");
  }

  void open(Node node) {
    if (frames_.size() == kLevelsMax) {
      findings_.error(node, fmt::format("more than {} levels of nesting", kLevelsMax));
    }
    frames_.push_back(Frame{std::move(node), false, {}});
  }

  void close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    attach(std::move(node));
  }

  void attach(Node node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      take_key(frame, node);
    } else {
      frame.has_key = false;
      frame.key.value = std::move(node);
      frame.node.entries.push_back(std::move(frame.key));
    }
  }

  void take_key(Frame& frame, const Node& node) {
    frame.has_key = true;
    frame.key = Node::Entry{node.text, node.line, node.column, {}};
    std::string words;
    if (node.kind != Node::Kind::kScalar) {
      words = "a key must be a word";
    } else if (const int line = line_of(frame.node, node.text); line != 0) {
      words = fmt::format("key \"{}\" stands here for the second time; the first is in line {}",
                          node.text, line);
    }
    if (!words.empty()) findings_.error(node, std::move(words));
  }

  static int line_of(const Node& map, std::string_view key) {
    // Quadratic in the keys of one map: enough of them are an error already.
    constexpr std::size_t kKeysCompared = 1000;
    const std::size_t count = std::min(map.entries.size(), kKeysCompared);
    for (std::size_t i = 0; i < count; ++i) {
      if (map.entries[i].key == key) return map.entries[i].line;
    }
    return 0;
  }

  Findings& findings_;
  std::vector<Frame> frames_;
  Node root_;
};

// yaml-cpp's words are true, but seldom say what to do.
std::string syntax_words(const std::string& message) {
  struct Hint {
    std::string_view message, hint;
  };
  static constexpr std::array kHints{
      Hint{"illegal map value", "a value with \": \" in it needs quotes"},
      Hint{"end of map not found", "the keys of one section begin in the same column"},
      Hint{"end of sequence not found", "the items of one list begin in the same column"},
      Hint{"unknown token", "a value that begins with *, &, %, @ or ` needs quotes"},
      Hint{"the referenced anchor is not defined", "a value that begins with * needs quotes"},
      Hint{"alias not found after *", "a value that begins with * needs quotes"},
      Hint{"unexpected character in alias", "a value that begins with * needs quotes"},
  };
  for (const Hint& hint : kHints) {
    if (message.starts_with(hint.message))
      return fmt::format("not YAML: {}; {}", message, hint.hint);
  }
  return fmt::format("not YAML: {}", message);
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

Node parse_yaml(std::string_view text, Findings& findings) {
  check_text(text, findings);
  if (findings.has_errors()) return {};
  TreeBuilder builder(findings);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    TreeBuilder unwanted(findings);
    if (!findings.has_errors() && parser.HandleNextDocument(unwanted)) {
      findings.error(0, 0, "a second YAML document (---); one is expected");
    }
  } catch (const YAML::Exception& e) {
    findings.error(std::max(e.mark.line, 0) + 1, std::max(e.mark.column, 0) + 1,
                   syntax_words(e.msg));
  } catch (const std::exception& e) {
    findings.error(0, 0, fmt::format("not YAML: {}", e.what()));
  }
  return builder.take_root();
}

}  // namespace posthaste::config
