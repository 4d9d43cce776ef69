"""TLS that cannot be had: what `may` and `encrypt` make of it, on the wire, in the log, in the metrics. Every fault against
every level: tls_matrix_test.py.
"""
import unittest

from house import House

FAULTS = {
    "refused_temporary": ("refuse_temporary", "refused_temporary"),
    "refused_permanent": ("refuse_permanent", "refused_permanent"),
    "closed": ("close", "closed"),
    "silence": ("silent", "timeout"),
    "not_tls": ("garbage", "not_tls"),
}


class FallsBack(unittest.TestCase):
    def house_with(self, fault, level, **tls):
        house = House({"tls": {"default": {"level": level, "ladder": ["modern"], **tls}}})
        mx = house.receiver("mx.fault.test", starttls=fault)
        house.domain("fault.test", ["mx.fault.test"])
        return house, mx

    def check_may(self, fault, reason):
        house, mx = self.house_with(fault, "may", plaintext_after="0s")
        with house:
            house.start()
            message = house.submit("a@sender.test", ["b@fault.test"])
            house.wait_event("delivered", id=message)
            self.assertIsNone(mx.messages[0]["tls"])
            self.assertGreaterEqual(len(mx.sessions), 2, "a socket whose handshake failed is never used again")
            self.assertEqual(house.metric("posthaste_tls_fallbacks_total", reason=reason), 1)
            self.assertGreaterEqual(house.metric("posthaste_tls_handshakes_total", direction="outbound", result="failed", reason=reason), 1)
            self.assertIn(reason, house.trace(message)["events"][-1]["tls"])

    def check_encrypt(self, fault, reason):
        house, mx = self.house_with(fault, "encrypt")
        with house:
            house.start()
            message = house.submit("a@sender.test", ["b@fault.test"])
            event = house.wait_event("deferred", id=message)
            self.assertEqual(event["class"], "tls")
            self.assertEqual(event["tls_failure"], reason)
            self.assertFalse(mx.messages)
            self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions), "no plaintext MAIL FROM is ever seen")
            self.assertEqual(house.metric("posthaste_tls_fallbacks_total"), 0)

    def test_a_failed_handshake_opens_plaintext_only_to_mail_that_has_waited(self):
        house, mx = self.house_with("garbage", "may", plaintext_after="3s")
        with house:
            house.config["retry"]["default"]["intervals"] = ["1s"]
            house.start()
            message = house.submit("a@sender.test", ["b@fault.test"])
            self.assertEqual(house.wait_event("deferred", id=message)["tls_failure"], "not_tls")
            self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions))
            event = house.wait_event("delivered", id=message)
            self.assertGreaterEqual(float(event["age_s"]), 3)
            self.assertIsNone(mx.messages[0]["tls"])
            self.assertEqual(house.metric("posthaste_tls_fallbacks_total"), 1)


def add_cases():
    for name, (fault, reason) in FAULTS.items():
        setattr(FallsBack, f"test_{name}_under_may_is_delivered_in_plaintext_and_counted",
                lambda self, f=fault, r=reason: self.check_may(f, r))
        setattr(FallsBack, f"test_{name}_under_encrypt_is_deferred_and_never_in_plaintext",
                lambda self, f=fault, r=reason: self.check_encrypt(f, r))


add_cases()


class NotOffered(unittest.TestCase):
    def test_encrypt_reaches_the_second_host_that_has_it(self):
        with House({"tls": {"default": {"level": "encrypt"}}}) as house:
            plain = house.receiver("mx1.two.test")
            good = house.receiver("mx2.two.test", starttls=house.tls())
            house.domain("two.test", ["mx1.two.test", "mx2.two.test"])
            house.start()
            house.submit("a@sender.test", ["b@two.test"])
            house.wait_for(lambda: good.messages)
            self.assertFalse(any(session.mail_in_plaintext for session in plain.sessions))

    def test_none_never_sends_starttls(self):
        with House({"tls": {"default": {"level": "none"}}}) as house:
            mx = house.receiver("mx.none.test", starttls=house.tls())
            house.domain("none.test", ["mx.none.test"])
            house.start()
            house.submit("a@sender.test", ["b@none.test"])
            house.wait_for(lambda: mx.messages)
            self.assertNotIn("STARTTLS", mx.sessions[0].commands)

    def test_may_with_not_offered_defer_defers(self):
        with House({"tls": {"default": {"level": "may", "fallback": {"not_offered": "defer"}}}}) as house:
            mx = house.receiver("mx.plain.test")
            house.domain("plain.test", ["mx.plain.test"])
            house.start()
            message = house.submit("a@sender.test", ["b@plain.test"])
            self.assertEqual(house.wait_event("deferred", id=message)["tls_failure"], "not_offered")
            self.assertFalse(mx.messages)

    def test_a_connect_timeout_is_never_followed_by_plaintext(self):
        with House() as house:
            mx = house.receiver("mx.mute.test", greeting="silent")
            house.domain("mute.test", ["mx.mute.test"])
            house.config["delivery"]["timeouts"]["greeting"] = "1s"
            house.start()
            message = house.submit("a@sender.test", ["b@mute.test"])
            self.assertEqual(house.wait_event("deferred", id=message)["class"], "connect")
            self.assertEqual(house.metric("posthaste_tls_fallbacks_total"), 0)
            self.assertFalse(mx.messages)


if __name__ == "__main__":
    unittest.main()
