#include "lib/delivery/reply_reader.h"

#include "lib/delivery/trouble.h"

namespace posthaste::delivery {

const policy::RefusalMeaning& ReplyReader::read(const smtp::Reply& reply, smtp::Stage stage) {
  static constexpr policy::RefusalMeaning kNothing;
  if (!reply.temporary() && !reply.permanent()) return kNothing;
  if (reply_ == reply && stage_ == stage) return meaning_;
  reply_ = reply;
  stage_ = stage;
  const smtp::EnhancedCode status = status_of(reply);
  policy::RefusalFacts facts;
  facts.code = reply.code;
  facts.subject = status.subject;
  facts.detail = status.detail;
  facts.text = reply.text;
  facts.host = host_.text();
  facts.stage = smtp::name(stage);
  return meaning_ = rules_.meaning_of(facts);
}

}  // namespace posthaste::delivery
