"""What a domain's TLS report counts of our connections to it, and what `explain` finds published (RFC 8460, RFC 7672)."""
import json
import unittest

from authority import Authority
from house import House
from signed_zone import SignedZone
from tls_faults import OpensslPeer


class ReportsTls(unittest.TestCase):
    def setUp(self):
        self.house = house = House()
        self.addCleanup(house.close)
        self.ca = Authority(house.folder)
        self.dns = SignedZone(["dane.test"], folder=house.folder).join(house)

    def receiver(self, domain, record=None, peer=True):
        """Its host has a certificate of nobody's; `record`: "right", "wrong" or "bogus" TLSA."""
        host = f"mx.{domain}"
        certificate = self.ca.issue(domain, [host])
        mx = self.house.receiver(host, starttls=OpensslPeer(certificate) if peer else None)
        self.house.domain(domain, [host])
        self.record = "3 1 1 " + ("00" * 32 if record == "wrong" else certificate.digest)
        owner = f"_{self.house.port}._tcp.{host}"
        if record:
            self.dns.add(f"{owner}. 60 IN TLSA {self.record}")
        if record == "bogus":
            self.dns.broken.append((owner, "TLSA"))
        return mx

    def send(self, domain, event, body=b"Subject: hello\r\n\r\nHello.\r\n"):
        return self.house.wait_event(event, id=self.house.submit("a@sender.test", [f"b@{domain}"], body))

    def report(self, domain):
        day = self.house.events("started")[0]["time"][:10]
        told = json.loads(self.house.local(f"/v1/tls/report?domain={domain}&day={day}"))
        [policy] = told["policies"]
        self.assertEqual(policy["policy"]["policy-domain"], domain)
        summary = policy["summary"]
        counts = summary["total-successful-session-count"], summary["total-failure-session-count"]
        return policy["policy"]["policy-type"], counts, policy["policy"].get("policy-string"), policy.get("failure-details", [])

    def host(self, domain):
        [host] = json.loads(self.house.local(f"/v1/tls/explain?domain={domain}"))["hosts"]
        return host

    def test_a_session_that_tlsa_records_vouch_for(self):
        self.receiver("dane.test", "right")
        self.house.start()
        delivered = self.send("dane.test", "delivered")
        self.assertIn("verified by dane (level dane by dane)", delivered["tls"])
        self.assertEqual(self.report("dane.test"), ("tlsa", (1, 0), [self.record], []))
        host = self.host("dane.test")
        self.assertEqual((host["level"], host["source"], host["dane"], host["tlsa"]), ("dane", "dane", "usable", [self.record]))

    def test_a_key_that_no_record_vouches_for(self):
        mx = self.receiver("dane.test", "wrong")
        self.house.start()
        self.send("dane.test", "deferred")
        kind, counts, strings, [failure] = self.report("dane.test")
        self.assertEqual((kind, counts, strings), ("tlsa", (0, 1), [self.record]))
        self.assertEqual((failure["result-type"], failure["failure-reason-code"]), ("validation-failure", "dane_no_match"))
        self.assertEqual((failure["receiving-mx-hostname"], failure["receiving-ip"]), ("mx.dane.test", mx.address))

    def test_records_that_dnssec_finds_bogus(self):
        mx = self.receiver("dane.test", "bogus")
        self.house.start()
        self.send("dane.test", "deferred")
        kind, counts, _, [failure] = self.report("dane.test")
        self.assertEqual((kind, counts, failure["result-type"]), ("tlsa", (0, 1), "dnssec-invalid"))
        self.assertFalse(mx.sessions, "no handshake took place")
        self.assertEqual(self.house.metric("posthaste_tls_barred_total", reason="dane_lookup"), 1)
        self.assertEqual(self.host("dane.test")["barred"], "dane_lookup")

    def test_a_domain_without_a_policy_and_a_host_without_tls(self):
        self.receiver("plain.test", peer=False)
        self.house.start()
        self.send("plain.test", "delivered")
        kind, counts, _, [failure] = self.report("plain.test")
        self.assertEqual((kind, counts, failure["result-type"]), ("no-policy-found", (0, 1), "starttls-not-supported"))

    def test_the_counts_outlive_a_restart(self):
        self.receiver("good.test")
        self.house.start()
        self.send("good.test", "delivered")
        self.house.stop()
        self.house.start()
        self.send("good.test", "delivered")
        self.assertEqual(self.report("good.test")[:2], ("no-policy-found", (2, 0)))

    def test_mail_with_tls_required_no_is_not_counted(self):
        self.receiver("dane.test", "wrong")
        self.house.start()
        self.send("dane.test", "delivered", b"TLS-Required: No\r\nSubject: hello\r\n\r\nHello.\r\n")
        told = json.loads(self.house.local("/v1/tls/report?domain=dane.test"))
        self.assertIn("nothing was counted", told["error"])


if __name__ == "__main__":
    unittest.main()
