"""MTA-STS as domains publish it: what is demanded of their hosts, what outlives a restart and a failed fetch, and what the
domain's report is told (RFC 8461, RFC 8460).
"""
import json
import unittest

from house import House
from sts_host import Authority, StsHost


class ObeysMtaSts(unittest.TestCase):
    def open(self, mode="enforce", mx=("mx.good.test",), certificate="valid"):
        """good.test has one host, which shows a certificate of a CA that we trust, and a policy host."""
        house = House()
        self.addCleanup(house.close)
        ca = Authority(house.folder)
        house.config["tls"] = {"default": {"ca_file": ca.file}, "mta_sts_ca_file": ca.file}
        self.mx = house.receiver("mx.good.test", starttls=ca.context("mx.good.test", certificate))
        house.domain("good.test", ["mx.good.test"])
        self.sts = StsHost(house.address(), "good.test", ca, port=443)
        self.addCleanup(self.sts.close)
        self.sts.publish(mode, mx)
        house.dns.add(f"mta-sts.good.test. 60 IN A {self.sts.address}")
        house.dns.add('_mta-sts.good.test. 60 IN TXT "v=STSv1; id=1;"')
        house.start()
        return house

    def report(self, house):
        day = house.events("started")[0]["time"][:10]
        return json.loads(house.local(f"/v1/tls/report?domain=good.test&day={day}"))

    def test_enforce_demands_the_hosts_name_and_says_so(self):
        house = self.open()
        message = house.submit("a@sender.test", ["b@good.test"])
        house.wait_event("delivered", id=message)
        up = house.wait_event("tls_up", id=message)
        self.assertEqual((up["level"], up["source"], up["verified"]), ("verify", "mta_sts", "yes"))
        self.assertEqual(house.metric("posthaste_tls_policy_total", source="mta_sts", level="verify", result="met"), 1)
        self.assertEqual(len(self.sts.requests), 1)

    def test_enforce_keeps_mail_from_a_host_that_shows_another_name(self):
        house = self.open(certificate="wrong_name")
        message = house.submit("a@sender.test", ["b@good.test"])
        event = house.wait_event("deferred", id=message)
        self.assertEqual(event["class"], "tls")
        self.assertFalse(self.mx.messages)

    def test_explain_says_it_before_there_was_any_mail(self):
        house = self.open()
        told = json.loads(house.local("/v1/tls/explain?domain=good.test"))
        self.assertEqual(told["sts"]["mode"], "enforce")
        [host] = told["hosts"]
        self.assertEqual((host["host"], host["level"], host["source"], host["sts"]), ("mx.good.test", "verify", "mta_sts", "enforce"))
        self.assertEqual(host["names"], ["mx.good.test"])
        self.assertEqual(host["addresses"][0]["next"], "modern")
        self.assertEqual([(call["host"], call["offer"], call["level"]) for call in told["attempt"]], [("mx.good.test", "modern", "verify")])
        self.assertFalse(self.mx.sessions, "nobody was called for it")
        house.wait_event("delivered", id=house.submit("a@sender.test", ["b@good.test"]))
        [host] = json.loads(house.local("/v1/tls/explain?domain=good.test"))["hosts"]
        self.assertTrue(host["shown_verified"])
        self.assertEqual(host["addresses"][0]["remembered"]["profile"], "modern")

    def test_the_report_counts_the_session_under_the_policy(self):
        house = self.open()
        house.wait_event("delivered", id=house.submit("a@sender.test", ["b@good.test"]))
        [policy] = self.report(house)["policies"]
        self.assertEqual(policy["policy"]["policy-type"], "sts")
        self.assertEqual(policy["policy"]["mx-host"], ["mx.good.test"])
        self.assertIn("mode: enforce", policy["policy"]["policy-string"])
        self.assertEqual(policy["summary"], {"total-successful-session-count": 1, "total-failure-session-count": 0})

    def test_testing_delivers_and_tells_the_domain_what_enforce_would_have_refused(self):
        house = self.open(mode="testing", certificate="wrong_name")
        house.wait_event("delivered", id=house.submit("a@sender.test", ["b@good.test"]))
        [policy] = self.report(house)["policies"]
        self.assertEqual(policy["summary"]["total-failure-session-count"], 1)
        [failure] = policy["failure-details"]
        self.assertEqual(failure["result-type"], "certificate-host-mismatch")
        self.assertEqual(failure["receiving-mx-hostname"], "mx.good.test")
        self.assertTrue(failure["sending-mta-ip"].startswith("127."))

    def test_a_policy_outlives_a_restart_and_its_host(self):
        house = self.open()
        house.wait_event("delivered", id=house.submit("a@sender.test", ["b@good.test"]))
        house.stop()
        self.sts.close()
        house.start()
        message = house.submit("a@sender.test", ["c@good.test"])
        house.wait_event("delivered", id=message)
        up = house.wait_event("tls_up", id=message)
        self.assertEqual((up["level"], up["source"]), ("verify", "mta_sts"))
        self.assertEqual(self.report(house)["policies"][0]["summary"]["total-successful-session-count"], 2)

    def test_a_policy_that_cannot_be_had_is_counted_logged_and_reported(self):
        house = self.open()
        house.stop()
        self.sts.certificate = "self_signed"
        house.start()
        house.wait_event("delivered", id=house.submit("a@sender.test", ["b@good.test"]))
        self.assertEqual(house.wait_event("sts_failed")["problem"], "webpki_invalid")
        self.assertEqual(house.metric("posthaste_sts_failures_total", problem="webpki_invalid"), 1)
        told = {policy["policy"]["policy-type"]: policy for policy in self.report(house)["policies"]}
        self.assertEqual(told["sts"]["failure-details"][0]["result-type"], "sts-webpki-invalid")


if __name__ == "__main__":
    unittest.main()
