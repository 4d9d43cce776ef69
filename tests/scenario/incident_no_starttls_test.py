"""The provider some of whose hosts have no STARTTLS, and some of whose names fail in DNS. The cure of the day was plaintext for
everybody; later a time-out was taken for "no TLS", and a certificate was checked against a name that it brought itself.

Here the domain's policy decides, every step down is counted, and nothing but a missing offer is a missing offer.
"""
import unittest

from authority import Authority
from house import House
from tls_faults import OpensslPeer


class NoStarttls(unittest.TestCase):
    def house_with(self, level, **rule):
        house = House({"tls": {"domains": [{"match": "big.test", "level": level, **rule}]}})
        self.addCleanup(house.close)
        return house

    def send(self, house):
        house.start()
        return house.submit("a@sender.test", ["b@big.test"])

    def assert_no_plaintext(self, house, *hosts):
        for host in hosts:
            self.assertFalse(any(session.mail_in_plaintext for session in host.sessions), "no plaintext MAIL FROM is ever seen")
        self.assertEqual(house.metric("posthaste_tls_fallbacks_total"), 0)

    def test_may_delivers_in_plaintext_and_warns_and_counts(self):
        house = self.house_with("may")
        mx = house.receiver("mx.big.test")
        house.domain("big.test", ["mx.big.test"])
        message = self.send(house)
        house.wait_event("delivered", id=message)
        self.assertIsNone(mx.messages[0]["tls"])
        self.assertIn("not_offered", house.trace(message)["events"][-1]["tls"])
        self.assertEqual(house.metric("posthaste_tls_fallbacks_total", **{"from": "starttls"}, to="plaintext", reason="not_offered"), 1)
        self.assertEqual(house.metric("posthaste_tls_fallbacks_total"), 1)
        self.assertEqual(house.wait_event("tls_fell_back")["level"], "warning")

    def test_encrypt_reaches_the_second_host_that_has_it(self):
        house = self.house_with("encrypt")
        plain = house.receiver("mx1.big.test")
        good = house.receiver("mx2.big.test", starttls=house.tls())
        house.domain("big.test", ["mx1.big.test", "mx2.big.test"])
        house.wait_event("delivered", id=self.send(house))
        self.assertEqual((len(plain.sessions), len(good.messages)), (1, 1))
        self.assertEqual(good.messages[0]["tls"], "TLSv1.3")
        self.assert_no_plaintext(house, plain, good)

    def test_encrypt_tries_all_hosts_then_defers_and_bounces_at_expiry_in_plain_words(self):
        house = self.house_with("encrypt")
        house.config["retry"]["default"] = {"intervals": ["1s"], "jitter": 0, "expire_after": "2s"}
        hosts = [house.receiver(f"mx{n}.big.test") for n in (1, 2, 3)]
        sender = house.receiver("mx.sender.test")
        house.domain("big.test", [host.name for host in hosts])
        house.domain("sender.test", ["mx.sender.test"])
        message = self.send(house)
        event = house.wait_event("deferred", id=message)
        self.assertEqual((event["class"], event["tls_failure"]), ("tls", "not_offered"))
        self.assertIn("4.7.", event["reply"])
        self.assertTrue(all(host.sessions for host in hosts), "every host was asked")
        house.wait_event("expired", id=message)
        house.wait_for(lambda: sender.messages)
        bounce = sender.messages[0]["body"].decode()
        self.assertIn("Action: failed", bounce)
        for word in ("STARTTLS", "not offered", "big.test"):
            self.assertIn(word, bounce, "words that a postmaster understands")
        self.assertFalse(any(session.mail_in_plaintext for host in hosts for session in host.sessions))

    def check_silence_is_not_no_tls(self, level, phase, **behaviour):
        house = self.house_with(level)
        house.config["delivery"]["timeouts"].update({phase: "1s"})
        mx = house.receiver("mx.big.test", **behaviour)
        house.domain("big.test", ["mx.big.test"])
        event = house.wait_event("deferred", id=self.send(house))
        self.assertNotEqual(event.get("tls_failure"), "not_offered")
        self.assert_no_plaintext(house, mx)
        return event

    def test_a_host_that_never_greets_is_never_sent_plaintext(self):
        for level in "may", "encrypt":
            with self.subTest(level=level):
                self.assertEqual(self.check_silence_is_not_no_tls(level, "greeting", greeting="silent")["class"], "connect")

    def test_a_handshake_that_times_out_is_no_missing_offer(self):
        event = self.check_silence_is_not_no_tls("may", "starttls", starttls="silent")
        self.assertEqual((event["class"], event["tls_failure"]), ("tls", "timeout"))

    def test_a_port_that_is_closed_is_never_sent_plaintext(self):
        house = self.house_with("may")
        house.host("mx.big.test")  # nobody listens there
        house.domain("big.test", ["mx.big.test"])
        self.assertEqual(house.wait_event("deferred", id=self.send(house))["class"], "connect")
        self.assert_no_plaintext(house)

    def test_a_certificate_is_not_verified_against_a_name_that_it_brings_itself(self):
        house = self.house_with("verify")
        ca = Authority(house.folder)
        mx = house.receiver("mx.big.test", starttls=OpensslPeer(ca.issue("elsewhere", ["mx.elsewhere.test"])))
        house.domain("big.test", ["mx.big.test"])
        house.config["tls"]["domains"][0]["ca_file"] = ca.file
        event = house.wait_event("deferred", id=self.send(house))
        self.assertEqual((event["class"], event["tls_failure"]), ("tls", "cert_host_mismatch"))
        self.assertIn("mx.elsewhere.test", event["reply"])
        self.assert_no_plaintext(house, mx)

    def test_trouble_in_dns_is_temporary(self):
        house = self.house_with("may")
        house.dns.broken.append("big.test")
        message = self.send(house)
        self.assertEqual(house.wait_event("deferred", id=message)["class"], "dns")
        self.assertFalse(house.events("bounced"))

    def test_a_host_whose_name_fails_in_dns_does_not_stand_for_the_others(self):
        house = self.house_with("encrypt")
        house.dns.broken.append("broken.test")
        good = house.receiver("mx2.big.test", starttls=house.tls())
        house.domain("big.test", ["mx1.broken.test", "mx2.big.test"])
        house.wait_event("delivered", id=self.send(house))
        self.assertEqual(len(good.messages), 1)


if __name__ == "__main__":
    unittest.main()
