// Advice: what the sender of a message that has not arrived can do, and why there was no encrypted
// connection, in words for people who are no postmasters.
//
// Threads      pure functions.
// Implements   RFC 3463 §3 (what the codes mean).
// Does not     say what a host said, or what is done without the sender.
#pragma once

#include <string_view>

#include "lib/policy/tls_facts.h"
#include "lib/report/notification.h"

namespace posthaste::report {

// About a recipient that was not reached: "Check the address for typing errors, …". One line.
std::string_view advice(const ReportedRecipient& failed);

// "The host's certificate has expired." One line; empty where there is nothing to say.
std::string_view tls_reason(policy::TlsFailure failure);

}  // namespace posthaste::report
