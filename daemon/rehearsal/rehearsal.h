// rehearse: runs the mail of a scenario through the delivery engine under virtual time.
//
// Randomness   the seed's: the same seed, scenario and options give the same results.
// Does not     read files, or look at a clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "daemon/rehearsal/results.h"
#include "daemon/rehearsal/scenario.h"
#include "lib/base/result.h"
#include "lib/delivery/options.h"

namespace posthaste::rehearsal {

// Told now and then; from 0 to 1.
using Progress = std::function<void(double done)>;

// Error: kInvalid, where a rule of our own was broken: a bug to report.
Result<Results> rehearse(const Scenario& scenario, std::shared_ptr<const delivery::Options> options,
                         std::uint64_t seed, const Progress& progress = nullptr);

}  // namespace posthaste::rehearsal
