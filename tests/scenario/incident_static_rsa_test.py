"""The host that speaks only static RSA: TLS 1.2, RSA key exchange and nothing else, as some old appliances and one large
provider's submission service did. Who offers forward secrecy alone gets alert 40, which names no cause.

`may` reaches it by the rung `compat`, on a second connection, and says so; who insists on `modern` defers.
"""
import unittest

from authority import Authority
from house import House
from tls_faults import TLS12, OpensslPeer

CIPHER, ALERT = "AES256-GCM-SHA384", "peer_handshake_failure"


class StaticRsa(unittest.TestCase):
    def house_with(self, mode, **rule):
        house = House()
        self.addCleanup(house.close)
        certificate = Authority(house.folder).issue("rsa", ["mx.old.test"], key="rsa:2048")
        mx = house.receiver("mx.old.test", starttls=OpensslPeer(certificate, maximum=TLS12, ciphers=CIPHER), implicit=mode == "implicit")
        house.domain("old.test", ["mx.old.test"])
        if mode == "implicit":
            rule.update({"connect": "implicit", "port": house.port})
        house.config["tls"] = {"domains": [{"match": "old.test", **rule}]}
        house.start()
        return house, mx, house.submit("a@sender.test", ["b@old.test"])

    def handshakes(self, house, mode, **labels):
        return house.metric("posthaste_tls_handshakes_total", direction="outbound", mode=mode, **labels)

    def check_delivers(self, mode):
        house, mx, message = self.house_with(mode, level="may", ladder=["modern", "compat"])
        house.wait_event("delivered", id=message)
        self.assertEqual([session.handshake for session in mx.sessions], ["NO_SHARED_CIPHER", "ok"], "on the second connection")
        self.assertEqual(mx.messages[0]["tls"], "TLSv1.2")
        self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions))
        self.assertEqual(self.handshakes(house, mode, result="failed", reason=ALERT, profile="modern"), 1)
        self.assertEqual(self.handshakes(house, mode, result="ok", profile="compat"), 1)
        self.assertEqual(self.handshakes(house, mode), 2)
        self.assertEqual(house.metric("posthaste_tls_fallbacks_total", to="plaintext"), 0)
        self.assertIn(CIPHER, house.trace(message)["events"][-1]["tls"])
        return house

    def test_may_delivers_on_the_second_connection(self):
        self.check_delivers("starttls")

    def test_may_delivers_on_the_second_connection_over_implicit_tls(self):
        self.check_delivers("implicit")

    def test_the_session_counts_as_without_forward_secrecy(self):
        house = self.check_delivers("starttls")
        self.assertEqual(house.metric("posthaste_tls_sessions_total", direction="outbound", cipher=CIPHER), 1)
        self.assertEqual(house.metric("posthaste_tls_without_forward_secrecy_total", direction="outbound"), 1)
        self.assertEqual(house.wait_event("tls_up")["forward_secrecy"], "no")

    def check_defers(self, mode):
        house, mx, message = self.house_with(mode, level="encrypt", ladder=["modern"])
        event = house.wait_event("deferred", id=message)
        self.assertEqual((event["class"], event["tls_failure"]), ("tls", ALERT))
        self.assertEqual(len(mx.sessions), 1)
        self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions), "no plaintext MAIL FROM is ever seen")
        self.assertFalse(mx.messages)
        self.assertEqual(self.handshakes(house, mode, result="failed", reason=ALERT, profile="modern"), 1)
        self.assertEqual(self.handshakes(house, mode), 1)
        self.assertEqual(house.metric("posthaste_tls_fallbacks_total"), 0)

    def test_encrypt_with_modern_alone_defers(self):
        self.check_defers("starttls")

    def test_encrypt_with_modern_alone_defers_over_implicit_tls(self):
        self.check_defers("implicit")


if __name__ == "__main__":
    unittest.main()
