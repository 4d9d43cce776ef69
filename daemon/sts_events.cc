#include "daemon/sts_events.h"

#include <utility>

namespace posthaste::daemon {

namespace sts = policy::sts;

sts::TxtAnswered txt_answered(const RoutingDomain& domain, const dns::Answer& answer) {
  using Status = sts::TxtAnswered::Status;
  const Status status = answer.status == dns::AnswerStatus::kOk ? Status::kRecords
                        : dns::temporary(answer.status)         ? Status::kTemporary
                                                                : Status::kNone;
  return {domain, status, answer.texts, answer.expires, answer.words};
}

sts::Problem problem_of(https::Failure::Kind kind) {
  switch (kind) {
    case https::Failure::Kind::kCertificate: return sts::Problem::kWebPkiInvalid;
    case https::Failure::Kind::kLocal: return sts::Problem::kLocal;
    default: return sts::Problem::kFetchError;
  }
}

sts::Event fetched(const RoutingDomain& domain, https::Outcome outcome) {
  if (outcome) {
    return sts::Fetched{domain, outcome->status, std::move(outcome->content_type),
                        std::move(outcome->body)};
  }
  return sts::FetchFailed{domain, problem_of(outcome.error().kind),
                          std::move(outcome.error().words)};
}

}  // namespace posthaste::daemon
