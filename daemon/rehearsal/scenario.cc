#include "daemon/rehearsal/scenario.h"

namespace posthaste::rehearsal {

bool Incident::holds(Duration since_start) const {
  if (since_start < from) return false;
  if (every == Duration(0)) return since_start < until;
  return (since_start - from) % every < until - from;
}

}  // namespace posthaste::rehearsal
