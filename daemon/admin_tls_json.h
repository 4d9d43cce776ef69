// The admin API's answers about TLS as JSON text. As admin_json.h has it.
//
// Threads      any; no state.
// Does not     ask anybody: whoever calls has the values.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "daemon/admin_tls_memory.h"
#include "daemon/tls_rehearsal.h"

namespace posthaste::daemon {

// {now, domain,
//  fields: [{field, value, origin}], without what `mx:` rules lay over them
//  profile: {name, min_version, max_version, ciphers, ciphersuites, groups, signature_algorithms,
//    security_level}, the ladder's first
//  verdict: why the domain has no hosts to call, or "",
//  sts: {mode, mx: […], max_age_s} | null,
//  hosts: [{host, port, judged, words, fields: [those that differ from the domain's],
//    level, source, encrypted, authentication, names: […], sni,
//    dane: "none" | "usable" | "unusable" | "temporary", tlsa: ["3 1 1 ab…"],
//    sts: "none" | "testing" | "enforce", sts_names_host, insecure_mx,
//    barred: why it must not be called | "", shown_verified,
//    addresses: [{address, next, remembered: {profile, failure, learned, expires} | null}]}],
//  attempt: [{host, address, offer, level, source}], whom the next attempt calls while nobody
//    answers
//  attempt_words: why it calls nobody, or ""}
// The fields of a host from `level` to `insecure_mx` are there only where it is judged.
std::string tls_explanation_json(const RoutingDomain& domain, const config::Tls& tls,
                                 const TlsRehearsal::Outcome& outcome, Instant now);

// {now, entries: [{subject: "192.0.2.1:25" | "mx.example.com:25", kind: "host" | "shown",
//  policy, rung, failure, learned, expires, worker}], next: cursor | null}, sorted by subject
std::string tls_memory_json(TlsMemoryPage page, Instant now);

// {host, forgotten: how many}
std::string tls_forgotten_json(const std::string& host, std::size_t forgotten);

}  // namespace posthaste::daemon
