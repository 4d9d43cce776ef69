// ReplyParser and parse_capabilities against any bytes: what comes out does not depend on how the
// bytes are cut, and keeps its promises.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/smtp/capabilities.h"
#include "lib/smtp/reply_parser.h"

namespace {

using posthaste::smtp::Reply;
using posthaste::smtp::ReplyParser;

struct Outcome {
  std::vector<Reply> replies;
  bool garbage = false;
};

Outcome parse(std::string_view bytes, std::size_t step) {
  ReplyParser parser;
  Outcome outcome;
  while (!bytes.empty() && !outcome.garbage) {
    std::string_view data = bytes.substr(0, step);
    bytes.remove_prefix(data.size());
    for (auto status = ReplyParser::Status::kReply; status == ReplyParser::Status::kReply;) {
      Reply reply;
      status = parser.parse(data, reply);
      outcome.garbage = status == ReplyParser::Status::kGarbage;
      if (status == ReplyParser::Status::kMore) CHECK(data.empty());
      if (status == ReplyParser::Status::kReply) outcome.replies.push_back(std::move(reply));
    }
  }
  CHECK(outcome.garbage == !parser.words().empty());
  return outcome;
}

void check(const Reply& reply) {
  CHECK(reply.code >= 200 && reply.code < 600);
  CHECK(reply.enhanced.cls == 0 || reply.enhanced.cls == reply.code / 100);
  CHECK(reply.text.size() <= posthaste::smtp::kReplyTextMax);
  for (const char c : reply.text)
    CHECK(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
  CHECK(render_reply(reply).find('\n') == std::string::npos);
  (void)parse_capabilities(reply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = parse(bytes, size);
  const Outcome cut = parse(bytes, 1);
  CHECK(whole.replies == cut.replies && whole.garbage == cut.garbage);
  for (const Reply& reply : whole.replies) check(reply);
  return 0;
}
