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


if __name__ == "__main__":
    unittest.main()
