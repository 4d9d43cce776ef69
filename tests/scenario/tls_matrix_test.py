"""Every row of the failure table against every level, behind STARTTLS and from the first octet: a receiver, a domain and one
message for each. What came of it must be what tls_model.py says, in the trace, in the log, in the metrics, and for the
receiver, which has seen the wire.
"""
import collections
import itertools
import json
import os
import pathlib
import re
import resource
import smtplib
import threading
import unittest

import tls_faults
import tls_model
from authority import Authority
from fake_mx import Door, FakeMx
from house import House, free_port
from signed_zone import SignedZone

MODES = ("starttls", "implicit")
NAMES = ["*.m.test", "*.mx.test", "*.dane.test"]

# Ours; or about a policy, a memory or a promise that no cell has.
NOT_OF_THE_WIRE = {"local_error", "sts_mx_mismatch", "suspected_strip", "requiretls_missing", "guarded"}


class Cell:
    """One domain with one host, and what is expected of the one message to it."""

    def __init__(self, number, row, column, mode, spec, policy):
        self.name = f"{row}/{column}/{mode}"
        self.row, self.mode, self.spec, self.policy = row, mode, spec, policy
        zone = ("dane.test", "dane.test") if policy.published else ("m.test", "mx.test")
        self.domain, self.host = f"d{number}.{zone[0]}", f"h{number}.{zone[1]}"
        self.expected = tls_model.expect(spec, policy, mode)
        self.id = self.receiver = None


def all_cells():
    tables = ((tls_model.ROWS, tls_model.COLUMNS), (tls_model.DANE_ROWS, tls_model.PUBLISHED),
              (tls_model.ALERT_ROWS, tls_model.ALERT_COLUMNS))
    number = itertools.count(1)
    for rows, columns in tables:
        for (row, spec), (column, policy), mode in itertools.product(rows.items(), columns.items(), MODES):
            if mode == "implicit" and (spec.starttls or spec.reply or policy.level == "none"):
                continue
            yield Cell(next(number), row, column, mode, spec, policy)


class Street:
    """A House, and a receiver for every cell."""

    def __init__(self, cells):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a listener for every cell
        self.cells, self.house, self.door = cells, House(), Door()
        self.implicit_port = free_port()
        folder = self.house.folder
        ca, other = Authority(folder), Authority(folder, "Other Root")
        self.certificates = tls_faults.Certificates(folder, ca, other, Authority(folder, "Sub", ca), NAMES,
                                                    domain_names=NAMES[:1], host_names=NAMES[1:2])
        self.peers = tls_faults.peers(folder, self.certificates)
        self.dns = SignedZone(["dane.test"])
        self.dns.join(self.house)

    def address(self, number):
        """Of nets of its own, far from those that a House draws."""
        pid = os.getpid()
        return f"127.{216 + pid % 38}.{(pid // 38 % 25) * 10 + number // 250}.{number % 250 + 1}"

    def build(self):
        config = self.house.config
        config["delivery"]["timeouts"].update({"starttls": "4s", "handshake": "4s"})
        config["tls"] = {"profiles": {"tls10": {"inherit": "antique", "security_level": 1}},
                         "default": {"ca_file": self.certificates.ca.file}, "domains": [self.rule(cell) for cell in self.cells]}
        for number, cell in enumerate(self.cells):
            self.settle(cell, self.address(number))
        self.house.start()

    def settle(self, cell, address):
        port = self.port(cell)
        cell.receiver = FakeMx(address, port, cell.host, starttls=self.peers[cell.spec.peer or cell.row],
                               implicit=cell.mode == "implicit", door=self.door)
        self.house.receivers.append(cell.receiver)
        self.dns.add(f"{cell.host}. 60 IN A {address}")
        self.dns.add(f"{cell.domain}. 60 IN MX 10 {cell.host}.")
        if cell.policy.published:
            for record in self.tlsa(cell):
                self.dns.add(f"_{port}._tcp.{cell.host}. 60 IN TLSA {record}")
            if cell.spec.tlsa == "bogus":
                self.dns.break_signatures(f"_{port}._tcp.{cell.host}", "TLSA")

    def port(self, cell):
        return self.implicit_port if cell.mode == "implicit" else self.house.port

    def tlsa(self, cell):
        c = self.certificates
        shown = c.good if cell.row == "other_key" else tls_faults.certificate_of(cell.spec.peer or cell.row, c)
        return {"match": [f"3 1 1 {shown.digest}"], "mismatch": [f"3 1 1 {c.other_key.digest}"],
                "anchor": [f"2 1 1 {c.ca.digest}"], "unusable": [f"0 1 1 {shown.digest}", f"1 1 1 {shown.digest}"],
                "bogus": [f"3 1 1 {shown.digest}"], "absent": []}[cell.spec.tlsa]

    def rule(self, cell):
        c, rule = self.certificates, {"match": cell.domain, "level": cell.policy.level, **cell.policy.rule}
        if cell.mode == "implicit":
            rule.update({"connect": "implicit", "port": self.implicit_port})
        if cell.policy.level == "fingerprint":
            pinned = c.good if cell.row == "other_key" else tls_faults.certificate_of(cell.row, c)
            rule["fingerprints"] = [pinned.pin]
        if cell.spec.ladder != tls_model.LADDER:
            rule["ladder"] = list(cell.spec.ladder)
        if cell.spec.rule.get("client"):
            rule.update({"client_certificate": c.good.file, "client_private_key": c.good.key})
        if cell.spec.rule.get("crl"):
            rule["crl_file"] = c.crl
        return rule

    # ---- the attempts -------------------------------------------------------------------------------------------
    def submit(self, cells):
        with smtplib.SMTP("127.0.0.1", self.house.submission, local_hostname="submitter.test", timeout=60) as client:
            client.ehlo()
            for cell in cells:
                client.mail("a@sender.test")
                client.rcpt(f"b@{cell.domain}")
                code, words = client.data(b"Subject: hello\r\n\r\nHello.\r\n")
                assert code == 250, words
                cell.id = words.decode().split()[-1]

    def deliver(self):
        """One message for each cell; the slowest first."""
        cells = sorted(self.cells, key=lambda cell: "timeout" not in str(cell.spec))
        hands = [threading.Thread(target=self.submit, args=(cells[n::4],)) for n in range(4)]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        self.house.wait_for(lambda: self.house.metric("posthaste_attempts_total") >= len(cells), 120, "all attempts")

    def close(self):
        self.door.close()
        self.house.close()


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.street = Street(list(all_cells()))
        cls.addClassCleanup(cls.street.close)
        cls.street.build()
        cls.street.deliver()
        house = cls.street.house
        cls.metrics = house.metrics()
        cls.events = collections.defaultdict(list)
        for event in house.events():
            cls.events[event.get("id")].append(event)

    def each(self, check):
        """check(cell) gives what is wrong, or nothing."""
        wrong = [f"{cell.name}: {fault}" for cell in self.street.cells for fault in check(cell)]
        self.assertFalse(wrong, f"{len(wrong)} of {len(self.street.cells)} cells\n" + "\n".join(wrong[:60]))

    def test_the_receivers_saw_what_the_levels_allow(self):
        def check(cell):
            want, sessions = cell.expected, cell.receiver.sessions
            if len(sessions) != want.connections:
                yield f"{len(sessions)} connections, not {want.connections}"
            hellos = [profile_of(session.hello, cell) for session in sessions if session.hello]
            if hellos != want.hellos:
                yield f"hellos {hellos}, not {want.hellos}"
            plain = sum(session.mail_in_plaintext for session in sessions)
            if plain != (want.delivered and want.plaintext):
                yield f"{plain} times MAIL in plaintext"
            if sum(session.mail_under_tls for session in sessions) != (want.delivered and not want.plaintext):
                yield "MAIL under TLS"
            if any(session.mail_in_plaintext and session.hello for session in sessions):
                yield "a connection whose handshake failed was used again"
            if not want.starttls and any("STARTTLS" in session.commands for session in sessions):
                yield "STARTTLS at level none"
            if len(cell.receiver.messages) != want.delivered:
                yield f"{len(cell.receiver.messages)} messages arrived"
        self.each(check)

    def test_the_log_says_the_same(self):
        def check(cell):
            want = cell.expected
            kind = "delivered" if want.delivered else "deferred"
            last = [event for event in self.events[cell.id] if event["event"] in ("delivered", "deferred", "bounced", "expired")]
            if [event["event"] for event in last] != [kind]:
                yield f"{[event['event'] for event in last]}, not {kind}"
            elif not want.delivered and want.reason and (last[0].get("class"), last[0].get("tls_failure")) != ("tls", want.reason):
                yield f"{last[0].get('class')} {last[0].get('tls_failure')}, not {want.reason}: {last[0].get('reply')}"
        self.each(check)

    def test_the_log_has_one_line_for_each_handshake(self):
        def check(cell):
            want, wanted = cell.expected, tls_model.demand(cell.spec, cell.policy)
            lines = [event for event in self.events[cell.id] if event["event"] in ("tls_up", "tls_failed")]
            have = [(line["profile"], "ok" if line["event"] == "tls_up" else "failed", line.get("reason", "none")) for line in lines]
            if have != want.handshakes:
                yield f"lines {have}, not {want.handshakes}"
            verified = ["verified" if line["verified"] == "yes" else "none" for line in lines if line["event"] == "tls_up"]
            if verified != want.sessions:
                yield f"lines say {verified}, not {want.sessions}"
            told = {tuple(line[key] for key in ("direction", "mode", "domain", "host", "level", "source")) for line in lines}
            if told - {("outbound", cell.mode, cell.domain, cell.host, wanted.level, wanted.source)}:
                yield f"lines say {told}"
        self.each(check)

    def test_the_trace_says_the_same(self):
        def check(cell):
            want = cell.expected
            last = json.loads(self.street.house.local(f"/v1/messages/{cell.id}/trace"))["events"][-1]
            if last["kind"] != ("delivered" if want.delivered else "deferred"):
                yield f"{last['kind']}"
            elif not want.delivered:
                return
            elif want.plaintext != last["tls"].startswith("plaintext"):
                yield f"tls {last['tls']}"
            elif want.plaintext and want.reason and want.reason not in last["tls"]:
                yield f"{last['tls']} does not say {want.reason}"
            elif not want.plaintext and last["tls"].split()[2] != ("verified" if want.verified else "unverified"):
                yield f"{last['tls']}, but verified is {want.verified}"
        self.each(check)

    def counted(self, family, *labels):
        """{values of the labels: count} of what was counted of connections that we made."""
        counts = collections.Counter()
        for name, value in self.metrics.items():
            if name.split("{")[0] == family and 'direction="inbound"' not in name and value:
                have = dict(part.split("=", 1) for part in name.split("{")[1].rstrip("}").split(","))
                counts[tuple(have[label].strip('"') for label in labels)] += int(value)
        return counts

    def check_counted(self, family, labels, want):
        have, want = self.counted(family, *labels), collections.Counter(want)
        wrong = [f"{key}: {have[key]}, not {want[key]}" for key in sorted(set(have) | set(want)) if have[key] != want[key]]
        self.assertFalse(wrong, "\n".join(wrong))

    def expected(self, name):
        return [(cell, each) for cell in self.street.cells for each in getattr(cell.expected, name)]

    def test_the_handshakes_are_counted_as_they_were(self):
        self.check_counted("posthaste_tls_handshakes_total", ("mode", "profile", "result", "reason"),
                           [(cell.mode, *handshake) for cell, handshake in self.expected("handshakes")])

    def test_the_sessions_are_counted_as_the_receivers_saw_them(self):
        """A peer cannot tell why we left, but it knows how many handshakes went well for both, and what they came to."""
        sessions = [session for cell in self.street.cells for session in cell.receiver.sessions if session.hello
                    and (session.handshake == "ok" or cell.spec.afterwards)]
        self.check_counted("posthaste_tls_sessions_total", ("version", "cipher"), [(s.version or "TLSv1.3", s.cipher[0]) for s in sessions])
        self.check_counted("posthaste_tls_sessions_total", ("auth",), [(auth,) for _, auth in self.expected("sessions")])
        self.check_counted("posthaste_tls_without_forward_secrecy_total", (),
                           [() for s in sessions if not s.cipher[0].startswith(("TLS_", "ECDHE", "DHE"))])

    def test_every_step_down_is_counted_and_logged_with_its_reason(self):
        self.check_counted("posthaste_tls_fallbacks_total", ("from", "to", "reason"), [step for _, step in self.expected("steps")])
        logged = collections.Counter((event["domain"], event["from"], event["to"], event["reason"])
                                     for events in self.events.values() for event in events if event["event"] == "tls_fell_back")
        self.assertEqual(logged, collections.Counter((cell.domain, *step) for cell, step in self.expected("steps")))

    def test_who_decided_and_whether_it_was_met_is_counted(self):
        self.check_counted("posthaste_tls_policy_total", ("source", "level", "result"), [each for _, each in self.expected("policies")])
        barred = [cell for cell in self.street.cells if cell.expected.barred]
        self.check_counted("posthaste_tls_barred_total", ("reason",), [(cell.expected.barred,) for cell in barred])
        self.assertEqual(sorted((event["domain"], event["reason"]) for event in self.street.house.events("tls_barred")),
                         sorted((cell.domain, cell.expected.barred) for cell in barred))

    def test_the_guard_before_mail_never_had_to_act(self):
        guarded = [value for name, value in self.metrics.items() if 'reason="guarded"' in name]
        self.assertTrue(guarded)
        self.assertEqual(sum(guarded), 0)
        self.assertFalse([event for events in self.events.values() for event in events if event.get("tls_failure") == "guarded"])

    def test_every_reason_that_the_wire_can_give_is_in_the_matrix(self):
        """docs/tls.md has the table: a reason that is added there wants a row here."""
        text = (pathlib.Path(__file__).parents[2] / "docs/tls.md").read_text().split("## Failures")[1]
        rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
        told = {label for row in rows for label in re.findall("`([a-z_]+)`", row)}
        met = {reason for _, (_, _, reason) in self.expected("handshakes")} | {cell.expected.barred for cell in self.street.cells}
        self.assertEqual(told - met, NOT_OF_THE_WIRE)


def profile_of(hello, cell):
    if cell.spec.ladder != tls_model.LADDER:
        return cell.spec.ladder[0]
    if tls_faults.STATIC_RSA in hello.ciphers:
        return "compat"
    return "modern" if hello.tls13 else "reduced"


if __name__ == "__main__":
    unittest.main()
