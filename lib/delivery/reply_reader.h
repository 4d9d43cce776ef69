// ReplyReader: what the refusals of one host mean, by the operator's rules. Most hosts say the same
// to all recipients of a message, so the last one is remembered.
//
// Lifetime     one call of Engine::handle(); rules and host outlive it. Threads: none.
// Does not     judge replies that are no refusals, or words of our own (code 0): they mean what
//              they say.
#pragma once

#include "lib/base/names.h"
#include "lib/policy/reply_rules.h"
#include "lib/smtp/reply.h"
#include "lib/smtp/stage.h"

namespace posthaste::delivery {

class ReplyReader {
 public:
  ReplyReader(const policy::ReplyRules& rules, const MxName& host) : rules_(rules), host_(host) {}
  const policy::RefusalMeaning& read(const smtp::Reply& reply, smtp::Stage stage);

 private:
  const policy::ReplyRules& rules_;
  const MxName& host_;
  smtp::Reply reply_;  // what meaning_ is of; code 0: nothing yet
  smtp::Stage stage_ = smtp::Stage::kConnect;
  policy::RefusalMeaning meaning_;
};

}  // namespace posthaste::delivery
