"""What every guide to mail over TLS asks for: STARTTLS and implicit TLS alike, nothing secret outside TLS, certificates that
are looked at (chain, dates, name, revocation), a time-out for every phase, and DANE.
"""
import smtplib
import socket
import ssl
import unittest

from authority import Authority, self_signed
from house import House, free_port
from signed_zone import SignedZone
from tls_faults import SILENT, TLS12, OpensslPeer

PHASES = {  # of a conversation with a mail host that falls silent: its behaviour; class and stage of what is told
    "greeting": ({"greeting": "silent"}, "connect"),
    "ehlo": ({"ehlo": "silent"}, "connect"),
    "starttls": ({"starttls": "silent"}, "tls"),
    "handshake": ({"starttls": SILENT}, "tls"),
    "mail": ({"mail": "silent"}, "connect"),
    "rcpt": ({"rcpt": "silent"}, "connect"),
    "data": ({"data": "silent"}, "connect"),
    "final_dot": ({"dot": "silent"}, "connect"),
}


class Outbound(unittest.TestCase):
    def setUp(self):
        self.house = House({"tls": {"domains": []}})
        self.addCleanup(self.house.close)

    def receiver(self, name, rule, **behaviour):
        host = f"mx.{name}"
        self.house.config["tls"]["domains"].append({"match": name, **rule})
        mx = self.house.receiver(host, **behaviour)
        self.house.domain(name, [host])
        return mx

    def test_starttls_and_implicit_tls_deliver_alike(self):
        ca, told = Authority(self.house.folder), []
        peer = OpensslPeer(ca.issue("mx", ["mx.starttls.test", "mx.implicit.test"]))
        rule = {"level": "verify", "ca_file": ca.file}
        self.receiver("starttls.test", rule, starttls=peer)
        self.receiver("implicit.test", {**rule, "connect": "implicit", "port": self.house.port}, starttls=peer, implicit=True)
        self.house.start()
        for name in "starttls.test", "implicit.test":
            message = self.house.submit("a@sender.test", [f"b@{name}"])
            self.house.wait_event("delivered", id=message)
            told.append(self.house.trace(message)["events"][-1]["tls"])
        self.assertEqual(*told)
        self.assertIn("verified", told[0].split())

    def test_a_certificate_is_looked_at_chain_dates_name_and_revocation(self):
        ca, other = Authority(self.house.folder), Authority(self.house.folder, "Other Root")
        revoked = ca.issue("revoked", ["mx.revoked.test"])
        crl = ca.crl([revoked])
        cases = {
            "good": (ca.issue("good", ["mx.good.test"]), None),
            "self": (self_signed(self.house.folder, "self", ["mx.self.test"]), "cert_self_signed"),
            "untrusted": (other.issue("untrusted", ["mx.untrusted.test"]), "cert_untrusted"),
            "expired": (ca.issue("expired", ["mx.expired.test"], begins=-60, ends=-30), "cert_expired"),
            "named": (ca.issue("named", ["mx.elsewhere.test"]), "cert_host_mismatch"),
            "revoked": (revoked, "cert_revoked"),
        }
        rule = {"level": "verify", "ca_file": ca.file, "crl_file": crl}
        hosts = {name: self.receiver(f"{name}.test", rule, starttls=OpensslPeer(certificate)) for name, (certificate, _) in cases.items()}
        self.house.start()
        for name, (_, reason) in cases.items():
            with self.subTest(certificate=name):
                message = self.house.submit("a@sender.test", [f"b@{name}.test"])
                event = self.house.wait_event("deferred" if reason else "delivered", id=message)
                self.assertEqual(event.get("tls_failure"), reason if reason else event.get("tls_failure"))
                self.assertEqual(len(hosts[name].messages), 0 if reason else 1)
                self.assertFalse(any(session.mail_in_plaintext for session in hosts[name].sessions))

    def test_every_phase_has_a_time_out_and_the_words_say_which(self):
        timeouts = self.house.config["delivery"]["timeouts"]
        timeouts.update({phase: "500ms" for phase in PHASES})
        for phase, (behaviour, _) in PHASES.items():
            self.receiver(f"{phase.replace('_', '-')}.test", rule={"ladder": ["modern"]}, **behaviour)
        self.house.start()
        sent = {phase: self.house.submit("a@sender.test", [f"b@{phase.replace('_', '-')}.test"]) for phase in PHASES}
        for phase, message in sent.items():
            with self.subTest(phase=phase):
                event = self.house.wait_event("deferred", id=message)
                self.assertEqual((event["class"], event["stage"]), (PHASES[phase][1], phase))
                self.assertIn("timed out", event["reply"])

    def test_dane_delivers_to_the_published_key_and_to_no_other(self):
        dns = SignedZone(["dane.test"]).join(self.house)
        ca = Authority(self.house.folder)
        shown = self_signed(self.house.folder, "shown", ["mx.anything.test"])  # RFC 7672 §3.1.1: only the key counts
        other = ca.issue("other", ["mx.no.dane.test"])
        yes = self.receiver("yes.dane.test", {"level": "may"}, starttls=OpensslPeer(shown))
        no = self.receiver("no.dane.test", {"level": "may"}, starttls=OpensslPeer(other))
        for name in "yes", "no":
            dns.add(f"_{self.house.port}._tcp.mx.{name}.dane.test. 60 IN TLSA 3 1 1 {shown.digest}")
        self.house.start()
        message = self.house.submit("a@sender.test", ["b@yes.dane.test"])
        self.house.wait_event("delivered", id=message)
        self.assertIn("verified", self.house.trace(message)["events"][-1]["tls"].split())
        event = self.house.wait_event("deferred", id=self.house.submit("a@sender.test", ["b@no.dane.test"]))
        self.assertEqual((event["class"], event["tls_failure"]), ("tls", "dane_no_match"))
        self.assertEqual((len(yes.messages), len(no.messages)), (1, 0))
        self.assertFalse(any(session.mail_in_plaintext for session in no.sessions))


class Inbound(unittest.TestCase):
    def setUp(self):
        self.house = house = House()
        self.addCleanup(house.close)
        ours = Authority(house.folder).issue("mta", ["mta.test"])
        self.ports = {"starttls": free_port(), "implicit": free_port()}
        house.config["listen"] += [{"address": f"127.0.0.1:{port}", "tls": way} for way, port in self.ports.items()]
        house.config["submission"].update({"certificate": ours.file, "private_key": ours.key})
        house.start()

    def test_no_password_is_ever_asked_for_in_plaintext(self):
        for port in self.house.submission, self.ports["starttls"]:
            with smtplib.SMTP("127.0.0.1", port, local_hostname="submitter.test") as client:
                client.ehlo()
                self.assertFalse(client.has_extn("auth"))
                self.assertGreaterEqual(client.docmd("AUTH", "PLAIN AGEAYgA=")[0], 500)

    def test_a_client_without_forward_secrecy_is_refused_and_the_log_names_what_it_offered(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = TLS12
        context.set_ciphers("AES128-SHA")
        with socket.create_connection(("127.0.0.1", self.ports["implicit"])) as raw, self.assertRaises(ssl.SSLError):
            context.wrap_socket(raw)
        self.assertIn("TLS_RSA_WITH_AES_128_CBC_SHA", self.house.wait_event("tls_failed")["words"])


if __name__ == "__main__":
    unittest.main()
