"""What must come of a delivery, by what the peer does and what the level asks for: docs/tls.md and the RFCs once more, in
Python, so that tls_matrix_test.py has something to hold the daemon against. Nothing here is read from it.
"""
import dataclasses

LADDER = ("modern", "reduced", "compat")
# docs/tls.md, "The ladder": who did not share our offer may share a wider one; who choked on the hello may bear a smaller one.
WIDER_HELPS = {"peer_handshake_failure", "protocol_version", "weak_key_exchange", "weak_signature", "peer_insufficient_security"}
SMALLER_HELPS = {"closed", "reset", "timeout", "protocol_error", "peer_internal_error", "peer_alert_other"}
HANDSHAKES_MAX = 3


@dataclasses.dataclass(frozen=True)
class Row:
    """What a peer does. Reasons are labels of the failure table.

    starttls       what becomes of STARTTLS, before any handshake
    fails          how the handshake fails, on every rung or by rung
    certificate    what is wrong with the certificate for who verifies the chain and the host's name, or by level
    key            what is wrong with its key, for who has pinned or published one
    afterwards     what it says after a handshake that went well (TLS 1.3)
    reply          a reply to STARTTLS that says nothing of TLS
    tlsa           its TLSA records, in the columns that have any: "match", "mismatch", "anchor", "unusable", "bogus", "absent"
    anchored       what is wrong for who knows the chain by a TLSA record of usage 2
    """
    starttls: str = None
    fails: object = None
    certificate: object = None
    key: str = None
    afterwards: str = None
    reply: str = None
    rule: dict = dataclasses.field(default_factory=dict)
    ladder: tuple = LADDER
    peer: str = None
    tlsa: str = "match"
    anchored: str = None


@dataclasses.dataclass(frozen=True)
class Column:
    """What policy asks for. `published`: the hosts are in a signed zone, with the row's TLSA records."""
    level: str
    rule: dict = dataclasses.field(default_factory=dict)
    published: bool = False


COLUMNS = {
    "none": Column("none"),
    "may": Column("may"),
    "may_at_once": Column("may", {"plaintext_after": "0s"}),
    "dane_unpublished": Column("dane", {"plaintext_after": "0s"}),
    "dane": Column("dane", published=True),
    "encrypt": Column("encrypt"),
    "dane-only": Column("dane-only", published=True),
    "fingerprint": Column("fingerprint"),
    "verify": Column("verify"),
    "secure": Column("secure"),
}
# For what TLSA records make of any level.
PUBLISHED = {name: Column(name, published=True) for name in ("none", "may", "dane", "encrypt", "dane-only")}


def after_modern(reason):
    """Only with `compat`, or only with what is no part of `modern`, can it be done."""
    return {"modern": reason, "reduced": reason}


def by_name(verify, secure):
    return {"verify": verify, "secure": secure}


ROWS = {
    "good": Row(),
    "good_tls12": Row(),
    "good_rsa": Row(),
    "good_staple": Row(),
    "asks_for_certificate": Row(),
    # RFC 3207 §4: STARTTLS is offered, or not; it is answered with 220, 454 or 501, or by a host that falls silent.
    "not_offered": Row(starttls="not_offered"),
    "refused_temporary": Row(starttls="refused_temporary"),
    "refused_permanent": Row(starttls="refused_permanent"),
    "starttls_closed": Row(starttls="closed"),
    "starttls_silence": Row(starttls="timeout"),
    "starttls_injection": Row(starttls="protocol_error"),   # CVE-2011-0411
    "starttls_421": Row(reply="421"),                       # RFC 5321 §3.8: it closes the session, whatever was asked
    # RFC 5246 §7.2.2, RFC 8446 §6.2: alert 40 where nothing is shared, alert 70 for versions.
    "static_rsa": Row(fails=after_modern("peer_handshake_failure")),
    "dh_2048": Row(fails=after_modern("peer_handshake_failure")),
    "sha1_only": Row(fails=after_modern("peer_handshake_failure")),
    "no_common_cipher": Row(fails="peer_handshake_failure"),
    "no_common_group": Row(fails={"modern": "peer_handshake_failure", "compat": "peer_handshake_failure"}),
    "no_common_signature": Row(fails="peer_handshake_failure"),
    "tls10_only": Row(fails="protocol_version"),
    "answers_in_tls10": Row(fails="protocol_version"),
    "dh_512": Row(fails={"modern": "peer_handshake_failure", "compat": "weak_key_exchange"}),
    "sha1_signature": Row(fails="weak_signature", ladder=("tls10",)),
    "legacy_renegotiation": Row(fails="legacy_renegotiation"),
    "says_454": Row(fails="not_tls"),
    "says_http": Row(fails="not_tls"),
    "says_220": Row(fails="not_tls"),
    "malformed": Row(fails="protocol_error"),
    "closes": Row(fails="closed"),
    "resets": Row(fails="reset"),
    "silent": Row(fails="timeout"),
    "large_hello_resets": Row(fails={"modern": "reset"}),
    "large_hello_closes": Row(fails={"modern": "closed"}),
    "large_hello_silent": Row(fails={"modern": "timeout"}),
    "third_time": Row(fails={"modern": "reset", "reduced": "peer_handshake_failure"}),
    "three_times": Row(fails={"modern": "reset", "reduced": "peer_handshake_failure", "compat": "reset"}),
    # RFC 5246 §7.4.6: handshake_failure; RFC 8446 §4.4.2.4: certificate_required, when our handshake is over.
    "wants_certificate_tls12": Row(fails="peer_handshake_failure"),
    "wants_certificate_tls13": Row(afterwards="client_cert_required"),
    "rejects_certificate_tls12": Row(fails="peer_rejected_our_cert", rule={"client": "good"}),
    "rejects_certificate_tls13": Row(afterwards="peer_rejected_our_cert", rule={"client": "good"}),
    "takes_certificate": Row(rule={"client": "good"}),
    # RFC 5280 §6.1, RFC 6125 §6.4. Pins and TLSA records of usage 3 are about the key alone (RFC 7672 §3.1.1).
    "self_signed": Row(certificate="cert_self_signed"),
    "unknown_ca": Row(certificate="cert_untrusted"),
    "with_root": Row(certificate="cert_untrusted"),
    "with_intermediate": Row(),
    "without_intermediate": Row(certificate="cert_untrusted"),
    "expired": Row(certificate="cert_expired"),
    "not_yet_valid": Row(certificate="cert_not_yet_valid"),
    "wrong_name": Row(certificate="cert_host_mismatch"),
    "host_only": Row(certificate=by_name(None, "cert_host_mismatch")),
    "domain_only": Row(certificate=by_name("cert_host_mismatch", None)),
    "wrong_purpose": Row(certificate="cert_wrong_purpose"),
    # The profile's security level says what counts for a key at all, whoever vouches for it.
    "weak_key": Row(certificate="cert_weak", key="cert_weak"),
    "weak_digest": Row(certificate="cert_weak"),
    "revoked_crl": Row(certificate="cert_revoked", rule={"crl": True}),
    # A staple is asked for only where a chain counts, so whoever only observes does not see it.
    "revoked_staple": Row(certificate=by_name("cert_revoked", "cert_revoked") | {"observed": None}),
    "other_key": Row(key="dane_no_match"),
}

# RFC 7672 §2.2, §3.1. Columns: PUBLISHED.
DANE_ROWS = {
    "dane_match": Row(peer="good"),
    "dane_match_expired": Row(peer="expired", certificate="cert_expired"),
    "dane_mismatch": Row(peer="good", tlsa="mismatch", key="dane_no_match"),
    "dane_anchor": Row(peer="anchored", tlsa="anchor"),
    "dane_anchor_wrong_name": Row(peer="anchored_wrong_name", tlsa="anchor", certificate="cert_host_mismatch",
                                  anchored="cert_host_mismatch"),
    "dane_anchor_expired": Row(peer="anchored_expired", tlsa="anchor", certificate="cert_expired", anchored="cert_expired"),
    "dane_unusable": Row(peer="good", tlsa="unusable"),
    "dane_unusable_not_offered": Row(peer="not_offered", tlsa="unusable", starttls="not_offered"),
    "dane_not_offered": Row(peer="not_offered", starttls="not_offered"),
    "dane_bogus": Row(peer="good", tlsa="bogus"),
    "dane_absent": Row(peer="good", tlsa="absent"),
    "dane_absent_not_offered": Row(peer="not_offered", tlsa="absent", starttls="not_offered"),
}

# RFC 8446 §6, by number. Who rejects a certificate of ours says 42 to 49; 41 is SSL 3.0's, 86 RFC 7507's.
ALERTS = {
    **{number: "peer_rejected_our_cert" for number in (42, 43, 44, 45, 46, 48, 49)},
    **{number: "peer_alert_other" for number in (10, 20, 21, 22, 47, 50, 51, 109, 110, 113, 115, 120, 255)},
    40: "peer_handshake_failure", 41: "client_cert_required", 116: "client_cert_required", 70: "protocol_version",
    86: "protocol_version", 71: "peer_insufficient_security", 80: "peer_internal_error", 90: "closed",
    112: "peer_unrecognized_name",
}
ALERT_ROWS = {f"alert_{number}": Row(fails=reason) for number, reason in ALERTS.items()}
ALERT_COLUMNS = {name: COLUMNS[name] for name in ("may_at_once", "encrypt")}
STARTTLS_ONLY = ("starttls", "reply")  # what no implicit handshake can show


@dataclasses.dataclass
class Expected:
    delivered: bool = False
    plaintext: bool = False      # it was delivered so
    reason: str = None           # delivered in plaintext because of it, or not delivered
    verified: bool = False
    connections: int = 0
    hellos: list = dataclasses.field(default_factory=list)       # profiles, in order
    handshakes: list = dataclasses.field(default_factory=list)   # (profile, result, reason) as counted
    sessions: list = dataclasses.field(default_factory=list)     # "verified" or "none", for each handshake that went well
    steps: list = dataclasses.field(default_factory=list)        # (from, to, reason) of the one that brought a session
    policies: list = dataclasses.field(default_factory=list)     # (source, level, "met" or "not_met") of each connection
    barred: str = None           # why nobody was called
    starttls: bool = True        # the command may have been seen


def next_rung(ladder, rung, reason):
    """docs/tls.md: `compat` is the only wider offer, `reduced` the only smaller hello than one of TLS 1.3."""
    below = ladder[ladder.index(rung) + 1:]
    if reason in WIDER_HELPS and rung != "compat" and "compat" in below:
        return "compat"
    if reason in SMALLER_HELPS and rung != "reduced" and "reduced" in below:
        return "reduced"
    return None


@dataclasses.dataclass
class Demand:
    """Who decides is the strongest: RFC 7672 §2.2, docs/tls.md."""
    kind: str                # "observed", "key", "anchor", "chain"
    source: str
    level: str
    forbidden: bool          # plaintext is
    barred: str = None


def demand(row, column):
    level, tlsa = column.level, row.tlsa if column.published else None
    forbidden = level not in ("none", "may", "dane")
    if level in ("may", "dane", "encrypt", "dane-only") and tlsa:
        if tlsa == "bogus":
            return Demand(None, "dane", level, True, "dane_lookup")
        if tlsa in ("match", "mismatch", "anchor"):
            return Demand("anchor" if tlsa == "anchor" else "key", "dane", "dane-only" if level == "dane-only" else "dane", True)
        if tlsa == "unusable" and not forbidden:
            return Demand("observed", "dane", "encrypt", True)
    if level == "dane-only":
        return Demand(None, "operator", level, True, "dane_required")
    kind = {"fingerprint": "key", "verify": "chain", "secure": "chain"}.get(level, "observed")
    return Demand(kind, "operator", level, forbidden)


def fault_of_certificate(row, kind, level):
    """What is wrong with it for that kind of authentication; None: nothing."""
    if kind == "key":
        return row.key
    if kind == "anchor":
        return row.anchored
    if not isinstance(row.certificate, dict):
        return row.certificate
    name = level if kind == "chain" else "observed"
    return row.certificate.get(name, row.certificate["verify"])


def expect(row, column, mode):
    """One host, one message that has just arrived."""
    wanted, expected = demand(row, column), Expected()
    if column.level == "none":
        return Expected(delivered=True, plaintext=True, connections=1, starttls=False, policies=[("operator", "none", "met")])
    if wanted.barred:
        expected.reason = expected.barred = wanted.barred
        return expected
    if row.reply:
        expected.connections = 1
        return expected
    failure = climb(expected, row, column, wanted.kind)
    # A handshake that went well is no session yet where the host has the last word.
    met = [result == "ok" for _, result, _ in expected.handshakes]
    if row.afterwards and met:
        met.remove(True)
    if failure is not None:
        expected.reason = failure
        at_once = column.rule.get("plaintext_after") == "0s" or failure in ("not_offered", "refused_temporary", "refused_permanent")
        if not wanted.forbidden and mode == "starttls" and at_once:  # a port for TLS has no plaintext
            step_to_plaintext(expected, failure, met)
    expected.policies = [(wanted.source, wanted.level, "met" if each else "not_met") for each in met]
    return expected


def step_to_plaintext(expected, failure, met):
    """The level is met: it asked for nothing that is not there."""
    expected.delivered = expected.plaintext = True
    expected.steps = [("starttls", "plaintext", failure)]
    # Where STARTTLS is not offered nothing has gone wrong yet; else RFC 3207 §4.1 leaves a state that nobody knows.
    if failure != "not_offered":
        expected.connections += 1
        met.append(True)
    else:
        met[-1] = True


def climb(expected, row, column, kind):
    """The rungs, by what failed: no answer to STARTTLS, or a hang-up after it, counts as a handshake that did, but on every rung
    at once, for no hello was seen. Gives the last failure; None: it is delivered.
    """
    rung, before, failure = row.ladder[0], None, None
    while True:
        because, failure = failure, row.starttls or (row.fails.get(rung) if isinstance(row.fails, dict) else row.fails)
        expected.connections += 1
        if not row.starttls:
            expected.hellos.append(rung)
        wrong = fault_of_certificate(row, kind, column.level)
        if not failure and kind != "observed":
            failure = wrong
        if not failure:
            expected.handshakes.append((rung, "ok", "none"))
            expected.sessions.append("none" if wrong else "verified")
            failure = row.afterwards
        if not failure:
            expected.delivered, expected.verified = True, wrong is None
            expected.steps = [(before, rung, because)] if before else []
            return None
        expected.handshakes.append((rung, "failed", failure))
        if row.starttls:
            return failure
        before, rung = rung, next_rung(row.ladder, rung, failure)
        if rung is None or expected.connections == HANDSHAKES_MAX:
            return failure
