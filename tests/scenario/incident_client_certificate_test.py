"""The verified flag that was always false: a library verified client certificates, and on the STARTTLS path nobody read the
result, so that whoever signed his own was let in.

{465, 587} x {valid, self-signed, wrong CA, expired, none} x {optional, required} x {TLS 1.2, 1.3} x {first, resumed}, from a
trusted and from an unknown address: the rows for 465 and 587 are identical, in the SMTP outcome, the log and the metrics.
"""
import collections
import itertools
import socket
import ssl
import unittest

from authority import Authority, self_signed
from house import House, free_port
from tls_faults import TLS12, TLS13

HOLDERS = ("valid", "self-signed", "wrong CA", "expired", "none")
VERSIONS = {"TLSv1.2": TLS12, "TLSv1.3": TLS13}
SOURCES = {"trusted": "127.0.0.2", "unknown": "127.0.0.1"}
CODES = {"self-signed": 18, "wrong CA": 20, "expired": 10}  # X509_V_ERR_*
Row = collections.namedtuple("Row", "holder version order source")


class Client:
    """EHLO, over TLS from the start or by STARTTLS; then MAIL, and what is said to it."""

    def __init__(self, port, implicit, source, context, session=None):
        raw = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
        self.socket, self.buffer = raw, b""
        if not implicit:
            self.reply()
            self.ask("EHLO submitter.test")
            assert self.ask("STARTTLS").startswith("220")
        self.socket = context.wrap_socket(raw, server_hostname="mta.test", session=session)
        if implicit:
            self.reply()
        self.ask("EHLO submitter.test")
        self.answer = self.ask("MAIL FROM:<a@sender.test>")
        self.session, self.resumed = self.socket.session, self.socket.session_reused
        self.ask("QUIT")
        self.socket.close()

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        return self.reply()

    def reply(self):
        while not self.buffer.endswith(b"\r\n") or self.buffer.splitlines()[-1][3:4] != b" ":
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"closed after {self.buffer}")
            self.buffer += data
        reply, self.buffer = self.buffer.decode(), b""
        return reply.splitlines()[-1]


class ClientCertificates(unittest.TestCase):
    def open_house(self, mode):
        self.house = house = House()
        self.addCleanup(house.close)
        ca, other = Authority(house.folder), Authority(house.folder, "Other Root")
        ours = ca.issue("mta", ["mta.test"])
        self.holders = {"valid": ca.issue("app", ["app.test"], kind="client"), "self-signed": self_signed(house.folder, "me", ["app.test"]),
                        "wrong CA": other.issue("app", ["app.test"], kind="client"),
                        "expired": ca.issue("old", ["app.test"], kind="client", begins=-60, ends=-30), "none": None}
        self.ports = {"587": free_port(), "465": free_port()}
        house.config["listen"] += [{"address": f"127.0.0.1:{self.ports['587']}", "tls": "starttls"},
                                   {"address": f"127.0.0.1:{self.ports['465']}", "tls": "implicit"}]
        house.config["submission"].update({"trusted": ["127.0.0.2/32"], "certificate": ours.file, "private_key": ours.key,
                                           "client_certificates": {"mode": mode, "ca_file": ca.file}})
        house.start()

    def context(self, holder, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = VERSIONS[version]
        if self.holders[holder]:
            context.load_cert_chain(self.holders[holder].chain, self.holders[holder].key)
        return context

    def visits(self, port):
        """{Row: (what MAIL was answered, resumed, what was counted)} of one port."""
        found = {}
        for holder, version, source in itertools.product(HOLDERS, VERSIONS, SOURCES):
            context, session = self.context(holder, version), None
            for order in "first", "resumed":
                before = self.house.metrics()
                client = Client(self.ports[port], port == "465", SOURCES[source], context, session)
                session = client.session
                counted = self.counted(before, port)
                found[Row(holder, version, order, source)] = (client.answer, client.resumed, counted)
        return found

    def counted(self, before, port):
        """What inbound TLS series gained, without the label that tells the ports apart; that is looked at here."""
        gained, mode = {}, f'mode="{"implicit" if port == "465" else "starttls"}"'
        for name, value in self.house.metrics().items():
            if name.startswith("posthaste_tls_") and 'direction="inbound"' in name and "_seconds" not in name and value != before.get(name, 0):
                if "mode=" in name:
                    self.assertIn(mode, name)
                gained[name.replace(mode, "")] = value - before.get(name, 0)
        return gained

    def lines(self, port, skip):
        """The log's lines about TLS and submission, without what differs from client to client."""
        kept = []
        for event in self.house.events()[skip:]:
            if "peer" in event:
                kept.append({key: value for key, value in event.items()
                             if key not in ("time", "peer", "listener", "mode", "handshake_ms", "took_ms", "seconds")})
        return kept

    def expected(self, mode, row):
        """RFC 3207 §4, RFC 4954 §6 (530): docs/configuration.md, submission.client_certificates."""
        if row.holder == "valid" or (mode == "optional" and row.source == "trusted"):
            return "250"
        return "530 5.7.0" if row.holder == "none" else "550 5.7.1"

    def check(self, mode):
        self.open_house(mode)
        by_port, logs = {}, {}
        for port in self.ports:
            skip = len(self.house.events())
            by_port[port] = self.visits(port)
            logs[port] = self.lines(port, skip)
        self.assertEqual(by_port["587"], by_port["465"], "the outcomes and the metrics are identical")
        self.assertEqual(logs["587"], logs["465"], "the log is identical")
        self.assertGreaterEqual(len(logs["587"]), len(by_port["587"]), "each handshake has its line")
        for row, (answer, resumed, counted) in by_port["587"].items():
            with self.subTest(row=row):
                self.assertTrue(answer.startswith(self.expected(mode, row)), answer)
                self.assertEqual(resumed, row.order == "resumed", "the second handshake is a resumed one")
                if answer.startswith("550"):
                    self.assertIn(f"X.509 code {CODES[row.holder]}", answer)
                verified = "verified" if row.holder == "valid" else "none"
                self.assertTrue(any("posthaste_tls_sessions_total" in name and f'auth="{verified}"' in name for name in counted), counted)
                self.assertTrue(any("posthaste_tls_handshakes_total" in name and 'result="ok"' in name for name in counted), counted)

    def test_optional_lets_in_the_trusted_and_who_shows_a_verified_one(self):
        self.check("optional")

    def test_required_lets_in_nobody_without_a_verified_one(self):
        self.check("required")


if __name__ == "__main__":
    unittest.main()
