"""MTA-STS (RFC 8461) that changes, fails, lies or leads astray: a policy host of real HTTPS on port 443 of a loopback address of
its own, and mail hosts with certificates good and bad. See obeys_mta_sts_test.py for what a good policy leads to.
"""
import json
import unittest

import domain_report
from authority import Authority
from house import House
from sts_host import Authority as WebAuthority
from sts_host import WHY_443, StsHost, port_443_is_ours
from tls_faults import OpensslPeer

PATIENCE = 25  # seconds until a change in DNS has come through: 5 that an answer is kept, and the next try


@unittest.skipUnless(port_443_is_ours(), WHY_443)
class MtaSts(unittest.TestCase):
    def setUp(self):
        self.house = house = House({"retry": {"default": {"intervals": ["1s"], "jitter": 0}},
                                    "delivery": {"limits": {"default": {"messages_per_connection": 1}}}})
        self.addCleanup(house.close)
        self.ca = Authority(house.folder)             # of the mail hosts
        self.web = WebAuthority(house.folder)         # of the policy hosts
        house.config["tls"] = {"default": {"ca_file": self.ca.file}, "mta_sts_ca_file": self.web.file}
        self.sts = StsHost(house.address(), "good.test", self.web, port=443)
        self.addCleanup(self.sts.close)
        house.dns.add(f"mta-sts.good.test. 60 IN A {self.sts.address}")

    def mx(self, name="mx.good.test", names=None, **behaviour):
        certificate = self.ca.issue(name, names or [name])
        return self.house.receiver(name, **{"starttls": OpensslPeer(certificate), **behaviour})

    def publish(self, mode, mx=("mx.good.test",), max_age=86400, serial="1"):
        self.sts.publish(mode, mx, max_age)
        self.house.dns.records = [record for record in self.house.dns.records if not record.startswith("_mta-sts")]
        self.house.dns.add(f'_mta-sts.good.test. 1 IN TXT "v=STSv1; id={serial};"')

    def start(self, *hosts):
        self.house.domain("good.test", hosts or ["mx.good.test"])
        self.house.start()

    def restart(self):
        """With the records as they are now; the daemon looks anew, and else only some minutes later (RFC 8461 §3.3)."""
        self.house.stop()
        self.house.dns.stop()
        self.house.dns.start()
        self.house.start()

    def submit(self):
        return self.house.submit("a@sender.test", ["b@good.test"])

    def assert_delivered(self, message=None, **facts):
        message = message or self.submit()
        self.house.wait_event("delivered", PATIENCE, id=message)
        up = self.house.wait_event("tls_up", id=message)
        self.assertEqual({key: up[key] for key in facts}, facts)

    def assert_deferred(self, reason):
        message = self.submit()
        event = self.house.wait_event("deferred", id=message)
        self.assertEqual((event["class"], event.get("tls_failure")), ("tls", reason))
        for mx in self.house.receivers:
            self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions), mx.name)
        return message

    def report(self):
        return domain_report.counts(self.house, "good.test")

    def failures(self, problem):
        return self.house.metric("posthaste_sts_failures_total", problem=problem)


class PoliciesDemand(MtaSts):
    def test_the_host_that_is_named_is_verified_and_everybody_says_so(self):
        mx = self.mx()
        self.publish("enforce")
        self.start()
        message = self.submit()
        self.assert_delivered(message, level="verify", source="mta_sts", verified="yes", authenticated_by="pkix")
        self.assertIn("verified by pkix (level verify by mta_sts)", self.house.trace(message)["events"][-1]["tls"])
        self.assertEqual(self.house.metric("posthaste_tls_policy_total", source="mta_sts", level="verify", result="met"), 1)
        self.assertEqual(self.house.metric("posthaste_sts_fetches_total"), 1)
        self.assertEqual([(request.path, request.host) for request in self.sts.requests], [(StsHost.PATH, "mta-sts.good.test")])
        self.assertEqual(len(mx.messages), 1)

    def test_a_host_that_is_not_named_is_passed_over(self):
        stranger, named = self.mx("mx1.good.test"), self.mx("mx2.good.test")
        self.publish("enforce", ["mx2.good.test"])
        self.start("mx1.good.test", "mx2.good.test")
        self.assert_delivered(host="mx2.good.test", source="mta_sts")
        self.assertEqual((stranger.sessions, len(named.messages)), ([], 1))
        self.assertEqual(self.house.metric("posthaste_tls_barred_total", reason="sts_mx_mismatch"), 1)
        self.assertEqual(self.report(), {"sts": (1, {"validation-failure": 1})})

    def test_where_no_host_is_named_mail_waits(self):
        mx = self.mx()
        self.publish("enforce", ["*.elsewhere.test"])
        self.start()
        self.assert_deferred("sts_mx_mismatch")
        self.assertEqual(mx.sessions, [])
        self.assertEqual(list(self.report()["sts"][1]), ["validation-failure"])

    def test_a_wildcard_names_the_label_that_it_stands_for(self):
        self.mx()
        self.publish("enforce", ["*.good.test"])
        self.start()
        self.assert_delivered(source="mta_sts", verified="yes")

    def test_a_certificate_of_another_name_keeps_the_mail_here(self):
        mx = self.mx(names=["mx.elsewhere.test"])
        self.publish("enforce")
        self.start()
        self.assert_deferred("cert_host_mismatch")
        self.assertEqual(mx.messages, [])
        self.assertEqual(list(self.report()["sts"][1]), ["certificate-host-mismatch"])

    def test_no_tls_keeps_the_mail_here(self):
        self.mx(starttls=None)
        self.publish("enforce")
        self.start()
        self.assert_deferred("not_offered")
        self.assertEqual(list(self.report()["sts"][1]), ["starttls-not-supported"])

    def test_testing_delivers_and_only_reports(self):
        mx = self.mx(names=["mx.elsewhere.test"])
        self.publish("testing")
        self.start()
        self.assert_delivered(level="may", source="operator", verified="no")
        self.assertEqual(len(mx.messages), 1)
        self.assertEqual(self.report(), {"sts": (0, {"certificate-host-mismatch": 1})})

    def test_testing_delivers_in_plaintext_and_only_reports(self):
        mx = self.mx(starttls=None)
        self.publish("testing")
        self.start()
        self.house.wait_event("delivered", id=self.submit())
        self.assertIsNone(mx.messages[0]["tls"])
        self.assertEqual(self.report(), {"sts": (0, {"starttls-not-supported": 1})})

    def test_none_asks_for_nothing(self):
        self.mx(names=["mx.elsewhere.test"])
        self.publish("none", mx=())
        self.start()
        self.assert_delivered(level="may", source="operator")

    def test_the_operators_level_is_never_lowered(self):
        self.house.config["tls"]["domains"] = [{"match": "good.test", "level": "encrypt"}]
        self.mx(starttls=None)
        self.publish("none", mx=())
        self.start()
        self.assert_deferred("not_offered")


class PoliciesThatCannotBeHad(MtaSts):
    """Nothing is cached: the domain is as one without a policy, and it is told (RFC 8461 §3.3, RFC 8460 §4.3.2)."""

    CASES = {  # how: (what goes wrong, problem, result type)
        "a redirect": ({"behaviour": "redirect"}, "fetch_error", "sts-policy-fetch-error"),
        "no such page": ({"behaviour": "not_found"}, "fetch_error", "sts-policy-fetch-error"),
        "64 KiB and one": ({"behaviour": "oversize"}, "fetch_error", "sts-policy-fetch-error"),
        "no end": ({"behaviour": "endless"}, "fetch_error", "sts-policy-fetch-error"),
        "no answer": ({"behaviour": "close"}, "fetch_error", "sts-policy-fetch-error"),
        "a page of HTML": ({"behaviour": "html"}, "invalid", "sts-policy-invalid"),
        "no policy": ({"policy": "version: STSv1\r\nmode: enforce\r\n"}, "invalid", "sts-policy-invalid"),
        "another name": ({"certificate": "wrong_name"}, "webpki_invalid", "sts-webpki-invalid"),
        "nobody's certificate": ({"certificate": "self_signed"}, "webpki_invalid", "sts-webpki-invalid"),
        "an old certificate": ({"certificate": "expired"}, "webpki_invalid", "sts-webpki-invalid"),
    }

    def test_each_is_counted_logged_and_reported_and_mail_goes_as_without(self):
        self.mx(names=["mx.elsewhere.test"])
        self.publish("enforce")
        hosts = {}
        for number, (how, (fault, _, _)) in enumerate(self.CASES.items()):
            domain = f"bad{number}.test"
            hosts[how] = domain
            host = StsHost(self.house.address(), domain, self.web, port=443)
            self.addCleanup(host.close)
            host.publish("enforce", ["mx.good.test"])
            for key, value in fault.items():
                setattr(host, key, value)
            self.house.dns.add(f"mta-sts.{domain}. 60 IN A {host.address}")
            self.house.dns.add(f'_mta-sts.{domain}. 60 IN TXT "v=STSv1; id=1;"')
            self.house.domain(domain, ["mx.good.test"])
        self.start()
        for how, (_, problem, result_type) in self.CASES.items():
            with self.subTest(how):
                domain, before = hosts[how], self.failures(problem)
                message = self.house.submit("a@sender.test", [f"b@{domain}"])
                self.assert_delivered(message, level="may", source="operator", verified="no")
                self.assertEqual(self.house.wait_event("sts_failed", domain=domain)["problem"], problem)
                self.assertEqual(self.failures(problem) - before, 1)
                told = domain_report.counts(self.house, domain)
                self.assertEqual(list(told["sts"][1]), [result_type])
                self.assertEqual(told["no-policy-found"][0], 1)

    def test_a_policy_host_on_a_special_purpose_address_is_not_called(self):
        self.house.config["delivery"]["allow_networks"] = [f"{self.house.net}.128/25"]  # mail may go there, but not to the policy host
        self.house.hosts = 200
        self.mx()
        self.publish("enforce")
        self.start()
        self.assert_delivered(source="operator")
        self.assertIn("special-purpose", self.house.wait_event("sts_failed")["words"])
        self.assertEqual((self.sts.connections, self.failures("fetch_error")), (0, 1))

    def test_a_record_that_is_none_leads_nowhere(self):
        self.mx()
        self.publish("enforce")
        self.house.dns.records = [record.replace("id=1;", "id=a.b;") for record in self.house.dns.records]
        self.start()
        self.assert_delivered(source="operator")
        self.assertEqual(self.sts.connections, 0)


class PoliciesThatAreKept(MtaSts):
    """Once fetched, a policy holds: against failures, against those who bring them about, and over restarts."""

    def open_enforced(self):
        self.receiver = self.mx()
        self.publish("enforce")
        self.start()
        self.assert_delivered(source="mta_sts", verified="yes")

    def mode(self):
        return (json.loads(self.house.local("/v1/tls/explain?domain=good.test")).get("sts") or {}).get("mode")

    def test_it_outlives_a_policy_host_that_fails_and_a_restart_of_ours(self):
        self.open_enforced()
        self.sts.behaviour = "not_found"
        self.restart()
        self.assert_delivered(source="mta_sts", verified="yes")
        self.receiver.starttls = OpensslPeer(self.ca.issue("wrong", ["mx.elsewhere.test"]))
        self.assert_deferred("cert_host_mismatch")

    def test_it_outlives_a_new_id_whose_policy_cannot_be_fetched_and_one_more_restart(self):
        self.open_enforced()
        self.publish("none", mx=(), serial="2")
        self.sts.behaviour = "redirect"
        for _ in range(2):
            self.restart()
            self.assert_delivered(source="mta_sts", verified="yes")
            self.assertEqual(self.house.wait_event("sts_failed")["policy"], "an older one goes on holding")
            self.house.wait_for(lambda: self.failures("fetch_error"))
            self.assert_delivered(source="mta_sts", verified="yes")
        self.assertIn("sts-policy-fetch-error", self.report()["sts"][1])

    def test_it_outlives_a_record_that_somebody_takes_away(self):
        self.open_enforced()
        self.house.dns.records = [record for record in self.house.dns.records if not record.startswith("_mta-sts")]
        self.restart()
        for _ in range(2):
            self.assert_delivered(source="mta_sts", verified="yes")

    def test_it_outlives_a_kill(self):
        self.open_enforced()
        self.sts.behaviour = "not_found"
        self.house.wait_event("tls_up")
        self.house.kill()
        self.house.start()
        self.assert_delivered(source="mta_sts", verified="yes")

    def test_a_new_id_of_mode_none_ends_it_for_good(self):
        self.open_enforced()
        self.publish("none", mx=(), serial="2")
        self.restart()
        self.assert_delivered()
        self.house.wait_for(lambda: self.mode() != "enforce", PATIENCE, "the end of the policy")
        self.receiver.starttls = OpensslPeer(self.ca.issue("wrong", ["mx.elsewhere.test"]))
        self.assert_delivered(source="operator", level="may")
        self.restart()
        self.sts.behaviour = "not_found"
        self.assert_delivered(source="operator", level="may")

    def test_the_same_id_is_not_fetched_again(self):
        self.open_enforced()
        self.sts.publish("none")
        self.restart()
        for _ in range(2):
            self.assert_delivered(source="mta_sts", verified="yes")
        self.assertEqual(len(self.sts.requests), 1)

    def test_a_host_that_the_new_policy_names_gets_the_mail_that_waited(self):
        self.mx()
        self.publish("enforce", ["old.good.test"])
        self.start()
        message = self.assert_deferred("sts_mx_mismatch")
        self.publish("enforce", serial="2")
        self.restart()
        self.assert_delivered(message, source="mta_sts", verified="yes")


if __name__ == "__main__":
    unittest.main()
