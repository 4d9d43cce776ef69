"""REQUIRETLS and TLS-Required: No (RFC 8689), from a submission to the next hop: what a message asks for goes with it or comes back,
and what it renounces is renounced for it alone.
"""
import smtplib
import ssl
import unittest

import domain_report
from authority import Authority
from house import House, free_port
from signed_zone import SignedZone
from sts_host import Authority as WebAuthority
from sts_host import WHY_443, StsHost, port_443_is_ours
from tls_faults import OpensslPeer

NOBODY = "ab" * 32  # the digest of no key
SECRET = "What only the recipient should read."
RENOUNCES = f"Subject: hello\r\nTLS-Required: No\r\n\r\n{SECRET}\r\n".encode()
ASKS = f"Subject: hello\r\n\r\n{SECRET}\r\n".encode()
OFFERS = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "REQUIRETLS")


class RequireTls(unittest.TestCase):
    """good.test is signed, plain.test is not; sender.test has a mailbox that bounces go to."""

    def setUp(self):
        self.house = house = House({"retry": {"default": {"intervals": ["1s"], "jitter": 0}}})
        self.addCleanup(house.close)
        SignedZone(["good.test"]).join(house)
        self.ca, ours = Authority(house.folder), Authority(house.folder, "Our Root").issue("mta", ["mta.test"])
        self.ports = {"starttls": free_port(), "implicit": free_port()}
        house.config["listen"] += [{"address": f"127.0.0.1:{port}", "tls": tls} for tls, port in self.ports.items()]
        house.config["submission"].update({"certificate": ours.chain, "private_key": ours.key})
        house.config["tls"] = {"default": {"ca_file": self.ca.file}}
        self.sender = house.receiver("mx.sender.test")
        house.domain("sender.test", ["mx.sender.test"])

    def rule(self, domain, **fields):
        self.house.config["tls"].setdefault("domains", []).append({"match": domain, **fields})

    def mx(self, name="mx.good.test", names=None, extensions=OFFERS, **behaviour):
        """Its certificate is of an authority that we trust."""
        certificate = self.ca.issue(name, names or [name])
        mx = self.house.receiver(name, extensions=extensions, **{"starttls": OpensslPeer(certificate), **behaviour})
        mx.digest = certificate.digest
        return mx

    def tlsa(self, mx, digest=None):
        self.house.dns.add(f"_{self.house.port}._tcp.{mx.name}. 5 IN TLSA 3 1 1 {digest or mx.digest}")

    def start(self, domain="good.test", hosts=("mx.good.test",)):
        self.house.domain(domain, hosts)
        self.house.start()

    def client(self, tls):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if tls == "implicit":
            client = smtplib.SMTP_SSL("127.0.0.1", self.ports[tls], local_hostname="submitter.test", timeout=30, context=context)
        else:
            client = smtplib.SMTP("127.0.0.1", self.ports[tls], local_hostname="submitter.test", timeout=30)
            client.starttls(context=context)
        client.ehlo()
        return client

    def submit(self, domain="good.test", body=ASKS, options=("REQUIRETLS",), tls="starttls"):
        """Gives the id of the message."""
        with self.client(tls) as client:
            self.assertTrue(client.has_extn("requiretls"))
            self.assertEqual(client.mail("a@sender.test", options)[0], 250)
            self.assertEqual(client.rcpt(f"b@{domain}")[0], 250)
            code, words = client.data(body)
            self.assertEqual(code, 250, words)
            return words.decode().split()[-1]

    def assert_passed_on(self, mx, message):
        """Gives the line of the handshake."""
        self.house.wait_event("delivered", id=message)
        [mail] = [command for command in mx.sessions[-1].commands if command.startswith("MAIL")]
        self.assertEqual(mail.split().count("REQUIRETLS"), 1)
        return self.house.wait_event("tls_up", id=message, direction="outbound")

    def assert_bounced(self, message):
        """5.7.30, and no word of the content on the way back."""
        self.assertIn("5.7.30", self.house.wait_event("bounced", id=message)["reply"])
        self.house.wait_for(lambda: self.sender.messages)
        bounce = self.sender.messages[0]["body"].decode()
        self.assertIn("Status: 5.7.30", bounce)
        self.assertIn("text/rfc822-headers", bounce)
        self.assertIn("Subject: hello", bounce)
        self.assertNotIn(SECRET, bounce)
        self.assert_kept_from_all()

    def assert_kept_from_all(self):
        for mx in self.house.receivers:
            if mx is not self.sender:
                self.assertEqual(mx.messages, [])
                self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions))

    def assert_deferred(self, reason, message):
        event = self.house.wait_event("deferred", id=message)
        self.assertEqual((event["class"], event.get("tls_failure")), ("tls", reason))


class Asked(RequireTls):
    def test_a_host_that_dane_vouches_for_gets_it_with_the_word(self):
        mx = self.mx()
        self.tlsa(mx)
        self.start()
        for tls in self.ports:
            up = self.assert_passed_on(mx, self.submit(tls=tls))
            self.assertEqual((up["verified"], up["authenticated_by"]), ("yes", "dane"))
            self.house.wait_for(lambda: all(session.commands[-1] == "QUIT" for session in mx.sessions))
        self.assertIn(SECRET, mx.messages[1]["body"].decode())

    def test_a_host_whose_name_dnssec_vouches_for_is_verified_for_it(self):
        mx = self.mx()
        self.start()
        message = self.submit()
        up = self.assert_passed_on(mx, message)
        self.assertEqual((up["level"], up["source"], up["authenticated_by"]), ("verify", "requiretls", "pkix"))
        self.assertEqual(self.house.metric("posthaste_tls_policy_total", source="requiretls", level="verify", result="met"), 1)

    def test_the_operators_level_secure_is_enough(self):
        self.rule("plain.test", level="secure")
        mx = self.mx("mx.plain.test", ["plain.test"])
        self.start("plain.test", ["mx.plain.test"])
        up = self.assert_passed_on(mx, self.submit("plain.test"))
        self.assertEqual((up["level"], up["verified"]), ("secure", "yes"))

    def test_a_name_that_nobody_vouches_for_is_not_enough(self):
        """RFC 8689 §4.2.1."""
        self.rule("plain.test", level="verify")
        self.mx("mx.plain.test")
        self.start("plain.test", ["mx.plain.test"])
        self.assert_bounced(self.submit("plain.test"))

    def test_a_host_that_lacks_the_word(self):
        mx = self.mx(extensions=("PIPELINING",))
        self.tlsa(mx)
        self.start()
        self.assert_bounced(self.submit())

    def test_the_way_back_is_asked_for_the_same_where_it_can_give_it(self):
        """RFC 8689 §5."""
        self.rule("sender.test", level="secure")
        self.sender.starttls, self.sender.extensions = OpensslPeer(self.ca.issue("sender", ["sender.test"])), list(OFFERS)
        self.mx(extensions=("PIPELINING",))
        self.start()
        self.assert_bounced(self.submit())
        [mail] = [command for command in self.sender.sessions[-1].commands if command.startswith("MAIL")]
        self.assertTrue(mail.startswith("MAIL FROM:<>") and "REQUIRETLS" in mail.split(), mail)

    def test_the_second_host_has_the_word(self):
        lacks, has = self.mx("mx1.good.test", extensions=("PIPELINING",)), self.mx("mx2.good.test")
        for mx in lacks, has:
            self.tlsa(mx)
        self.start(hosts=[lacks.name, has.name])
        self.assert_passed_on(has, self.submit())
        self.assertEqual((len(lacks.sessions), lacks.messages), (1, []))

    def test_a_certificate_of_another_name_gets_nothing(self):
        self.mx(names=["mx.elsewhere.test"])
        self.start()
        self.assert_deferred("cert_host_mismatch", self.submit())
        self.assert_kept_from_all()

    def test_a_host_without_tls_gets_nothing(self):
        self.mx(starttls=None)
        self.start()
        self.assert_deferred("not_offered", self.submit())
        self.assert_kept_from_all()

    def test_the_wish_outlives_a_restart(self):
        mx = self.mx(greeting="421 4.3.2 not now", extensions=("PIPELINING",))
        self.start()
        message = self.submit()
        self.house.wait_event("deferred", id=message)
        self.house.stop()
        mx.greeting = "220 mx.good.test ESMTP"
        self.house.start()
        self.assert_bounced(message)

    def test_other_mail_to_the_same_host_is_none_the_worse(self):
        mx = self.mx(extensions=("PIPELINING",))
        self.start()
        asks, other = self.submit(), self.submit(options=())
        self.house.wait_event("delivered", id=other)
        self.house.wait_event("bounced", id=asks)
        self.assertEqual(len(mx.messages), 1)

    def test_it_is_neither_offered_nor_taken_in_plaintext(self):
        self.start()
        with smtplib.SMTP("127.0.0.1", self.house.submission, local_hostname="submitter.test", timeout=30) as client:
            client.ehlo()
            self.assertFalse(client.has_extn("requiretls"))
            self.assertEqual(client.mail("a@sender.test", ["REQUIRETLS"])[0] // 100, 5)


class Renounced(RequireTls):
    def test_a_key_that_does_not_match_is_overlooked_for_that_message_alone(self):
        mx = self.mx()
        self.tlsa(mx, NOBODY)
        self.start()
        renounces, other = self.submit(body=RENOUNCES, options=()), self.submit(options=())
        self.house.wait_event("delivered", id=renounces)
        self.assert_deferred("dane_no_match", other)
        self.assertIn("TLS-Required: No", mx.messages[0]["body"].decode())
        self.assertEqual(len(mx.messages), 1)

    def test_neither_does_a_host_without_tls_stop_it_nor_is_anybody_told(self):
        mx = self.mx(starttls=None)
        self.tlsa(mx)
        self.start()
        self.house.wait_event("delivered", id=self.submit(body=RENOUNCES, options=()))
        self.assertIsNone(mx.messages[0]["tls"])
        self.assertIsNone(domain_report.read(self.house, "good.test"))

    @unittest.skipUnless(port_443_is_ours(), WHY_443)
    def test_mta_sts_is_overlooked_too(self):
        web = WebAuthority(self.house.folder)
        self.house.config["tls"]["mta_sts_ca_file"] = web.file
        sts = StsHost(self.house.address(), "plain.test", web, port=443)
        self.addCleanup(sts.close)
        sts.publish("enforce", ["mx.plain.test"])
        self.house.dns.add(f"mta-sts.plain.test. 60 IN A {sts.address}")
        self.house.dns.add('_mta-sts.plain.test. 60 IN TXT "v=STSv1; id=1;"')
        mx = self.mx("mx.plain.test", ["mx.elsewhere.test"])
        self.start("plain.test", ["mx.plain.test"])
        renounces, other = self.submit("plain.test", RENOUNCES, ()), self.submit("plain.test", options=())
        self.house.wait_event("delivered", id=renounces)
        self.assert_deferred("cert_host_mismatch", other)
        self.assertEqual(len(mx.messages), 1)

    def test_what_the_operator_asks_for_stays(self):
        self.rule("good.test", level="encrypt")
        self.mx(starttls=None)
        self.start()
        self.assert_deferred("not_offered", self.submit(body=RENOUNCES, options=()))
        self.assert_kept_from_all()

    def test_asking_counts_for_more_than_renouncing(self):
        """RFC 8689 §4.1: with REQUIRETLS the header is ignored."""
        self.mx(extensions=("PIPELINING",))
        self.start()
        self.assert_bounced(self.submit(body=RENOUNCES))


if __name__ == "__main__":
    unittest.main()
