"""DANE (RFC 7672, RFC 7671) with zones that are really signed, a resolver that really validates, and OpenSSL on the other side:
what records demand, what their absence and their faults do not, and keys that roll over without a message lost.
"""
import json
import unittest

import domain_report
from authority import Authority
from house import House
from signed_zone import SignedZone
from sts_host import Authority as WebAuthority
from sts_host import WHY_443, StsHost, port_443_is_ours
from tls_faults import OpensslPeer

NOBODY = "ab" * 32  # the digest of no key
PATIENCE = 25       # seconds until a change in DNS has come through: 5 that an answer is kept, and the next try


class Dane(unittest.TestCase):
    """good.test is signed, plain.test is not."""

    def setUp(self):
        self.house = House({"retry": {"default": {"intervals": ["1s"], "jitter": 0}},
                            "delivery": {"limits": {"default": {"messages_per_connection": 1}}}})
        self.addCleanup(self.house.close)
        self.dns = SignedZone(["good.test"]).join(self.house)
        self.ca = Authority(self.house.folder)

    def policy(self, **fields):
        self.house.config["tls"] = {"default": fields}

    def mx(self, name="mx.good.test", certificate=None, **behaviour):
        """A host whose certificate no public authority has signed."""
        certificate = certificate or self.ca.issue(name, [name])
        mx = self.house.receiver(name, **{"starttls": OpensslPeer(certificate), **behaviour})
        mx.certificate = certificate
        return mx

    def owner(self, name):
        return f"_{self.house.port}._tcp.{name}"

    def tlsa(self, name, *data, ttl=5):
        for each in data:
            self.dns.add(f"{self.owner(name)}. {ttl} IN TLSA {each}")

    def change(self, name, *data):
        self.dns.replace(self.owner(name), "TLSA", data)

    def start(self, domain="good.test", hosts=("mx.good.test",)):
        self.house.domain(domain, hosts)
        self.house.start()

    def submit(self, domain="good.test"):
        return self.house.submit("a@sender.test", [f"b@{domain}"])

    def assert_delivered(self, domain="good.test", message=None, patience=PATIENCE, **facts):
        """Gives the line of the handshake."""
        message = message or self.submit(domain)
        self.house.wait_event("delivered", patience, id=message)
        up = self.house.wait_event("tls_up", id=message)
        self.assertEqual({key: up[key] for key in facts}, facts)
        return up

    def assert_deferred(self, reason, domain="good.test", mail_class="tls"):
        """Gives the id of the message."""
        message = self.submit(domain)
        event = self.house.wait_event("deferred", id=message)
        self.assertEqual((event["class"], event.get("tls_failure")), (mail_class, reason))
        self.assert_no_plaintext()
        return message

    def assert_no_plaintext(self):
        for mx in self.house.receivers:
            self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions), mx.name)
        self.assertEqual(self.house.metric("posthaste_tls_fallbacks_total", to="plaintext"), 0)

    def report(self, domain="good.test"):
        return domain_report.counts(self.house, domain)


class RecordsDemand(Dane):
    def test_a_key_that_matches_is_verified_by_dane_and_everybody_says_so(self):
        mx = self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        self.start()
        message = self.submit()
        self.assert_delivered(message=message, verified="yes", authenticated_by="dane", source="dane", level="dane")
        self.assertIn("verified by dane (level dane by dane)", self.house.trace(message)["events"][-1]["tls"])
        self.assertEqual(self.house.metric("posthaste_tls_policy_total", source="dane", level="dane", result="met"), 1)
        self.assertEqual(self.house.metric("posthaste_tls_sessions_total", direction="outbound", auth="verified"), 1)
        self.assertEqual(mx.messages[0]["tls"], "TLSv1.3")
        self.assertEqual(mx.sessions[0].hello.sni, "mx.good.test")
        self.assertEqual(self.report(), {"tlsa": (1, {})})

    def test_a_name_does_not_count_where_the_key_is_pinned_and_neither_does_a_date(self):
        certificate = self.ca.issue("old", ["mx.elsewhere.test"], begins=-60, ends=-30)
        mx = self.mx(certificate=certificate)
        self.tlsa("mx.good.test", f"3 1 1 {certificate.digest}")
        self.start()
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.assertEqual(len(mx.messages), 1)

    def test_another_key_keeps_the_mail_here(self):
        mx = self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {NOBODY}")
        self.start()
        self.assert_deferred("dane_no_match")
        self.assertEqual(mx.messages, [])
        self.assertGreaterEqual(self.house.metric("posthaste_tls_handshakes_total", reason="dane_no_match"), 1)
        self.assertEqual(list(self.report()["tlsa"][1]), ["validation-failure"])

    def test_another_key_at_the_first_host_and_the_second_one_gets_it(self):
        wrong, right = self.mx("mx1.good.test"), self.mx("mx2.good.test")
        self.tlsa("mx1.good.test", f"3 1 1 {NOBODY}")
        self.tlsa("mx2.good.test", f"3 1 1 {right.certificate.digest}")
        self.start(hosts=["mx1.good.test", "mx2.good.test"])
        self.assert_delivered(host="mx2.good.test", authenticated_by="dane")
        self.assertEqual((len(wrong.messages), len(right.messages)), (0, 1))
        self.assertEqual(self.house.metric("posthaste_tls_fallbacks_total", to="plaintext"), 0)
        self.assertEqual(self.report(), {"tlsa": (1, {"validation-failure": 1})})

    def test_an_authority_of_their_own_with_the_hosts_name(self):
        mx = self.mx(certificate=self.ca.issue("below", ["mx.good.test"], along=[self.ca]))
        self.tlsa("mx.good.test", f"2 1 1 {self.ca.digest}")
        self.start()
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.assertEqual(len(mx.messages), 1)

    def test_an_authority_of_their_own_with_another_name(self):
        self.mx(certificate=self.ca.issue("below", ["mx.elsewhere.test"], along=[self.ca]))
        self.tlsa("mx.good.test", f"2 1 1 {self.ca.digest}")
        self.start()
        self.assert_deferred("cert_host_mismatch")

    def test_a_signed_zone_and_a_host_that_offers_no_tls(self):
        mx = self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        mx.starttls = None
        self.start()
        self.assert_deferred("not_offered")
        self.assertEqual(list(self.report()["tlsa"][1]), ["starttls-not-supported"])

    def test_usages_that_mail_does_not_know_ask_for_tls_and_for_no_name(self):
        mx = self.mx(certificate=self.ca.issue("other", ["mx.elsewhere.test"]))
        self.tlsa("mx.good.test", f"0 1 1 {NOBODY}", f"1 1 1 {NOBODY}")
        self.start()
        self.assert_delivered(verified="no", level="encrypt", source="dane")
        self.assertEqual(mx.messages[0]["tls"], "TLSv1.3")

    def test_usages_that_mail_does_not_know_and_no_tls(self):
        self.mx(starttls=None)
        self.tlsa("mx.good.test", f"1 1 1 {NOBODY}")
        self.start()
        self.assert_deferred("not_offered")


@unittest.skipUnless(port_443_is_ours(), WHY_443)
class BesideMtaSts(Dane):
    """RFC 8461 §2: a verdict of DANE comes first; where DANE has none, the policy of the domain stands."""

    def enforce(self, *mx):
        web = WebAuthority(self.house.folder)
        sts = StsHost(self.house.address(), "good.test", web, port=443)
        self.addCleanup(sts.close)
        sts.publish("enforce", mx)
        self.dns.add(f"mta-sts.good.test. 60 IN A {sts.address}")
        self.dns.add('_mta-sts.good.test. 60 IN TXT "v=STSv1; id=1;"')
        self.house.config["tls"] = {"default": {"ca_file": self.ca.file}, "mta_sts_ca_file": web.file}

    def test_a_key_that_matches_needs_no_name(self):
        mx = self.mx(certificate=self.ca.issue("other", ["mx.elsewhere.test"]))
        self.tlsa("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        self.enforce("mx.good.test")
        self.start()
        self.assert_delivered(verified="yes", authenticated_by="dane", source="dane")

    def test_a_name_that_matches_does_not_stand_in_for_the_key(self):
        self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {NOBODY}")
        self.enforce("mx.good.test")
        self.start()
        self.assert_deferred("dane_no_match")

    def test_records_that_nobody_can_use_do_not_switch_the_policy_off(self):
        self.mx(certificate=self.ca.issue("other", ["mx.elsewhere.test"]))
        self.tlsa("mx.good.test", f"1 1 1 {NOBODY}")
        self.enforce("mx.good.test")
        self.start()
        self.assert_deferred("cert_host_mismatch")


class RecordsThatAreNotThere(Dane):
    def test_an_unsigned_zone_is_no_dane_whatever_it_says(self):
        mx = self.mx("mx.plain.test")
        self.tlsa("mx.plain.test", f"3 1 1 {NOBODY}")
        self.start("plain.test", ["mx.plain.test"])
        self.assert_delivered("plain.test", verified="no", level="may", source="operator")
        self.assertEqual(len(mx.messages), 1)
        self.assertEqual(self.house.metric("posthaste_tls_policy_total", source="dane"), 0)
        self.assertEqual(self.report("plain.test"), {"no-policy-found": (1, {})})

    def test_an_unsigned_zone_and_no_tls_is_plaintext_as_ever(self):
        mx = self.mx("mx.plain.test", starttls=None)
        self.start("plain.test", ["mx.plain.test"])
        self.house.wait_event("delivered", id=self.submit("plain.test"))
        self.assertIsNone(mx.messages[0]["tls"])

    def test_a_signed_zone_without_records_is_as_the_operator_says(self):
        self.mx()
        self.start()
        self.assert_delivered(verified="no", level="may", source="operator")

    def test_dane_only_wants_records(self):
        self.policy(level="dane-only")
        mx = self.mx()
        self.start()
        self.assert_deferred("dane_required")
        self.assertEqual(mx.sessions, [], "it is not even called")
        self.assertGreaterEqual(self.house.metric("posthaste_tls_barred_total", reason="dane_required"), 1)
        self.assertEqual(list(self.report()["tlsa"][1]), ["dane-required"])

    def test_dane_only_with_records(self):
        self.policy(level="dane-only")
        mx = self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        self.start()
        self.assert_delivered(verified="yes", authenticated_by="dane", level="dane-only")

    def test_dane_switched_off_looks_for_none(self):
        self.policy(dane=False)
        self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {NOBODY}")
        self.start()
        self.assert_delivered(verified="no", source="operator")


class WrongSignatures(Dane):
    def test_bogus_records_keep_the_mail_here_until_they_are_mended(self):
        mx = self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        self.start()
        self.dns.break_signatures(self.owner("mx.good.test"))
        message = self.assert_deferred("dane_lookup")
        self.assertEqual(mx.sessions, [], "a missing answer is no answer")
        self.assertEqual(list(self.report()["tlsa"][1]), ["dnssec-invalid"])
        self.dns.mend_signatures()
        self.assert_delivered(message=message, verified="yes", authenticated_by="dane")

    def test_bogus_records_of_the_first_host_leave_the_second_one(self):
        dark, good = self.mx("mx1.good.test"), self.mx("mx2.good.test")
        for mx in dark, good:
            self.tlsa(mx.name, f"3 1 1 {mx.certificate.digest}")
        self.start(hosts=[dark.name, good.name])
        self.dns.break_signatures(self.owner(dark.name))
        self.assert_delivered(host=good.name, authenticated_by="dane")
        self.assertEqual(dark.sessions, [])

    def test_a_bogus_zone_is_trouble_in_dns(self):
        self.mx()
        self.start()
        self.dns.break_signatures("good.test")
        self.assert_deferred(None, mail_class="dns")


class OtherNames(Dane):
    def test_a_host_that_is_an_alias_is_known_by_the_name_behind_it(self):
        mx = self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        self.dns.add("alias.good.test. 60 IN CNAME mx.good.test.")
        self.start(hosts=["alias.good.test"])
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.assertEqual(mx.sessions[0].hello.sni, "mx.good.test")

    def test_an_alias_is_known_by_its_own_name_where_the_other_has_no_records(self):
        mx = self.mx("mx.good.test", certificate=self.ca.issue("alias", ["alias.good.test"], along=[self.ca]))
        self.tlsa("alias.good.test", f"2 1 1 {self.ca.digest}")
        self.dns.add("alias.good.test. 60 IN CNAME mx.good.test.")
        self.start(hosts=["alias.good.test"])
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.assertEqual(mx.sessions[0].hello.sni, "alias.good.test")

    def test_an_alias_of_a_wrong_key(self):
        self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {NOBODY}")
        self.dns.add("alias.good.test. 60 IN CNAME mx.good.test.")
        self.start(hosts=["alias.good.test"])
        self.assert_deferred("dane_no_match")

    def test_records_that_are_an_alias_themselves(self):
        mx = self.mx()
        self.dns.add(f"{self.owner('mx.good.test')}. 5 IN CNAME tlsa.good.test.")
        self.dns.add(f"tlsa.good.test. 5 IN TLSA 3 1 1 {mx.certificate.digest}")
        self.start()
        self.assert_delivered(verified="yes", authenticated_by="dane")

    def test_a_host_of_an_unsigned_domain_is_not_known_by_its_records(self):
        """docs/tls.md, of smtp_tls_dane_insecure_mx_policy."""
        self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {NOBODY}")
        self.start("plain.test", ["mx.good.test"])
        self.assert_delivered("plain.test", verified="no", source="operator")


class StrangeRecords(Dane):
    """In the words of RFC 3597, for no zone file would have them otherwise."""

    def strange(self, *octets):
        for each in octets:
            self.dns.add(f"{self.owner('mx.good.test')}. 5 IN TYPE52 \\# {len(each) // 2} {each}")

    def test_records_too_short_too_long_or_unknown_do_no_harm_beside_a_good_one(self):
        mx = self.mx()
        self.strange("030101" + "ab" * 4, "030101" + "ab" * 200, "030102" + "ab" * 32, "030109" + "ab" * 32, "030901" + "ab" * 32,
                     "090101" + "ab" * 32, "030000" + "ab" * 4000, "020000" + "3082ffff" + "00" * 40)
        self.tlsa("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        self.start()
        self.assert_delivered(verified="yes", authenticated_by="dane")

    def test_nothing_but_such_records_ask_for_tls_and_for_no_name(self):
        mx = self.mx()
        self.strange("030101" + "ab" * 4, "030109" + "ab" * 32)
        self.start()
        self.assert_delivered(verified="no", level="encrypt", source="dane")
        self.assertEqual(len(mx.messages), 1)

    def test_a_record_of_a_certificate_that_is_none(self):
        self.mx()
        self.strange("020000" + "3082ffff" + "00" * 40, "030000" + "ab" * 4000)
        self.start()
        self.assert_deferred("dane_no_match")


class KeysRollOver(Dane):
    def test_two_records_then_the_new_key_then_one_record_and_mail_never_stops(self):
        old, new = (self.ca.issue(name, ["mx.good.test"]) for name in ("old", "new"))
        mx = self.mx(certificate=old)
        self.tlsa("mx.good.test", f"3 1 1 {old.digest}")
        self.start()
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.change("mx.good.test", f"3 1 1 {old.digest}", f"3 1 1 {new.digest}")
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.wait_for_records(2)
        mx.starttls = OpensslPeer(new)
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.change("mx.good.test", f"3 1 1 {new.digest}")
        self.wait_for_records(1)
        self.assert_delivered(verified="yes", authenticated_by="dane")
        self.assertEqual(len(mx.messages), 4)
        self.assertEqual(self.house.events("deferred"), [])

    def wait_for_records(self, count):
        """Until the daemon believes it: the operator looks before he goes on."""
        def seen():
            [host] = json.loads(self.house.local("/v1/tls/explain?domain=good.test"))["hosts"]
            return len(host["tlsa"]) == count
        self.house.wait_for(seen, PATIENCE, f"{count} records in tls explain")

    def test_a_record_ahead_of_its_key_makes_mail_wait_for_the_key(self):
        old, new = (self.ca.issue(name, ["mx.good.test"]) for name in ("old", "new"))
        mx = self.mx(certificate=old)
        self.tlsa("mx.good.test", f"3 1 1 {new.digest}")
        self.start()
        message = self.assert_deferred("dane_no_match")
        mx.starttls = OpensslPeer(new)
        self.assert_delivered(message=message, verified="yes", authenticated_by="dane")

    def test_a_record_that_follows_its_key_lets_the_mail_go(self):
        mx = self.mx()
        self.tlsa("mx.good.test", f"3 1 1 {NOBODY}")
        self.start()
        message = self.assert_deferred("dane_no_match")
        self.change("mx.good.test", f"3 1 1 {mx.certificate.digest}")
        self.assert_delivered(message=message, verified="yes", authenticated_by="dane")


if __name__ == "__main__":
    unittest.main()
