// probe_json: a ProbeReport for machines, and for tell_probe, as the tool's other answers are.
//
// {domain, takes_mail, route: "mx" | "route" | "literal", mx_secure, trouble,
//  mta_sts: {mode, id, mx: […], words} | null,
//  hosts: [{host, port, trouble, takes_mail, barred,
//           dane: {state, words} | null,
//           demand: {level, source, encrypted, authentication, names: […], records: […]} | null,
//           ladder: […],
//           addresses: [{endpoint, verdict,
//                        calls: [{profile, observing, ready, stage, failure, words, seconds,
//                                 tls: {version, cipher, group, forward_secret, verified,
//                                       authenticated_by, certificate} | null,
//                                 chain: [{subject, issuer, names: […], not_before, not_after,
//                                          fingerprint}],
//                                 offers: […] | null}]}]}]}
// `trouble`, `words`, `failure`, `barred` are "" where there is none; `certificate` is "good", or
// the reason of docs/tls.md for which a chain to a root and the host's name do not vouch for it.
//
// Threads      pure functions.
#pragma once

#include <string>

#include "daemon/tool/probe_report.h"

namespace posthaste::daemon::tool {

std::string probe_json(const ProbeReport& report);

}  // namespace posthaste::daemon::tool
