// cross_check: what only several fields together can get wrong, and what is right but seldom meant.
//
// Threads      any; no state.
#pragma once

#include "config/config.h"
#include "config/findings.h"
#include "config/section.h"

namespace posthaste::config {

// `config` was bound from `file`; with errors told before, it may have zeros in it.
void cross_check(const Section& file, const Config& config, Findings& findings);

}  // namespace posthaste::config
