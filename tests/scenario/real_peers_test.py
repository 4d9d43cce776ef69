"""Mail to receivers that we did not write: aiosmtpd, Postfix, OpenSMTPD, Exim and Haraka, each without and with STARTTLS.

Every receiver really stores the mail, and what it stored is compared octet by octet with what was submitted. Postfix,
OpenSMTPD and Exim come from Debian's packages (peers/rooms.py), and Haraka from npm where that is here; what needs root or
mounts is skipped without them. Where there is TLS, Postfix's posttls-finger sees in it what `posthaste tls probe` sees.
"""
import itertools
import json
import os
import subprocess
import unittest

from authority import Authority, self_signed
from house import TOOL, House
from peers import finger, rooms
from peers.exim import Exim
from peers.haraka import Haraka
from peers.opensmtpd import OpenSmtpd
from peers.postfix import Postfix
from peers.stored import without_our_received

try:
    from peers.aiosmtpd_peer import Aiosmtpd
except ImportError:  # another interpreter than Debian's, or script/bootstrap was not run
    Aiosmtpd = None

HEADER = ("From: a@sender.test\r\nTo: b@peer.test\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{0}@sender.test>\r\n"
          "Subject: {0}\r\nX-Folded: one\r\n\ttwo\r\n   three\r\n\r\n")
EIGHT_BIT = ("Gr\u00fc\u00dfe, \u4f60\u597d\r\n".encode() + bytes(range(0x80, 0x100)) + b"\r\n.\r\n..\r\n.dot\r\n \r\n\r\n"
             b"From the start of a line\r\ntrailing blanks \t \r\n" + b"x" * 990 + b"\r\nno more\r\n\r\n")


class RealPeer:
    """The scenarios. What a receiver is like stands in the classes below."""
    peer_class, offers_tls = None, False
    numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        if cls.peer_class is None:
            raise unittest.SkipTest("python3-aiosmtpd is not installed for this interpreter")
        reason = getattr(cls.peer_class, "package", None) and rooms.why_not(cls.peer_class.package)
        if reason:
            raise unittest.SkipTest(reason)
        cls.may, cls.strict, cls.verified = "may.peer.test", "strict.peer.test", "verified.peer.test"
        cls.house = house = House()
        try:
            cls.authority = Authority(house.folder)
            # Whose handshakes fail gets mail in plaintext, and at once.
            house.config["tls"] = {"default": {"plaintext_after": "0s"}, "domains": [
                {"match": cls.strict, "level": "encrypt"},
                {"match": cls.verified, "level": "verify", "ca_file": cls.authority.file}]}
            made = cls.authority.issue("mx.peer.test", ["mx.peer.test"])
            domains = [cls.may, cls.strict, cls.verified]
            cls.peer = cls.peer_class(house.host("mx.peer.test"), house.port, "mx.peer.test", domains,
                                      (made.chain, made.key) if cls.offers_tls else None)
            house.receivers.append(cls.peer)
            for domain in domains:
                house.domain(domain, ["mx.peer.test"])
            cls.sender = house.receiver("mx.sender.test")
            house.domain("sender.test", ["mx.sender.test"])
            cls.tls = cls.offers_tls and cls.peer.can_tls()
            house.start()
        except BaseException:
            house.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.house.close()

    # ---- submitting, and finding it again -----------------------------------------------------------------------
    def content(self, body=b"Hello.\r\n"):
        """(a word that no other message has, the message)"""
        word = f"message-{next(self.numbers)}-"
        return word.encode(), HEADER.format(word).encode() + body

    def submit(self, domain, content, users=("user1",)):
        return self.house.submit("a@sender.test", [f"{user}@{domain}" for user in users], content, mail_options=("BODY=8BITMIME",))

    def stored(self, word):
        return [message for message in self.peer.messages() if b"Subject: " + word in message.content]

    def recipients(self, word):
        return sorted(recipient for message in self.stored(word) for recipient in message.recipients)

    def idle(self):
        """Waits until nothing is under way and every connection to the receiver is closed."""
        self.house.wait_for(lambda: self.house.metric("posthaste_queue_recipients", state="ready") == 0
                            and self.house.metric("posthaste_queue_recipients", state="in_flight") == 0
                            and self.house.metric("posthaste_connections", direction="outbound") == 0, 30, "idleness")

    def check_arrives(self, domain, body=b"Hello.\r\n", users=("user1",)):
        word, content = self.content(body)
        message = self.submit(domain, content, users)
        wanted = sorted(f"{user}@{domain}" for user in users)
        self.house.wait_for(lambda: self.recipients(word) == wanted, 30, f"{wanted} at {self.peer.name}")
        expected = "TLSv1.3" if self.tls else ""
        for stored in self.stored(word):
            self.assertEqual(stored.sender, "a@sender.test")
            self.assertEqual(stored.tls, expected, "as the receiver says")
            self.assertTrue(without_our_received(stored.content) == content, "not one octet is different")
        delivered = self.house.wait_event("delivered", id=message)
        self.assertIn(expected or f"plaintext ({self.failure()})", delivered["tls"])
        return message

    # ---- what has to be so with everybody -----------------------------------------------------------------------
    def test_eight_bit_content_arrives_whole_under_may(self):
        self.check_arrives(self.may, EIGHT_BIT)

    def test_encrypt_delivers_over_tls_or_not_at_all(self):
        if self.tls:
            self.check_arrives(self.strict, EIGHT_BIT)
        else:
            self.check_waits(self.strict)

    def test_verify_with_our_own_root_delivers_over_verified_tls_or_not_at_all(self):
        if not self.tls:
            return self.check_waits(self.verified)
        message = self.check_arrives(self.verified, EIGHT_BIT)
        self.assertRegex(self.house.wait_event("delivered", id=message)["tls"], r"(?<!un)verified")

    def check_waits(self, domain):
        word, content = self.content()
        before = self.peer.transactions()
        message = self.submit(domain, content)
        event = self.house.wait_event("deferred", id=message)
        self.assertEqual((event["class"], event["tls_failure"]), ("tls", self.failure()))
        self.assertEqual(self.peer.transactions(), before, "nothing was said in plaintext")
        self.assertEqual(self.stored(word), [])

    def failure(self):
        return "peer_internal_error" if self.offers_tls else "not_offered"

    def test_several_recipients_in_one_transaction(self):
        before = self.peer.transactions()
        self.check_arrives(self.may, users=[f"user{n}" for n in range(20)])
        self.assertEqual(self.peer.transactions() - before, 1)

    def test_three_megabytes(self):
        lines = (os.urandom(36).hex().encode() for _ in range(42_000))
        body = b"\r\n".join(lines) + b"\r\n"
        self.assertGreater(len(body), 3_000_000)
        self.check_arrives(self.may, body)

    def test_an_unknown_recipient_bounces_to_the_sender_and_the_others_get_it(self):
        word, content = self.content()
        before = len(self.sender.messages)
        message = self.submit(self.may, content, ["user1", "nobody", "user2"])
        bounced = self.house.wait_event("bounced", id=message)
        self.assertEqual(bounced["to"], f"nobody@{self.may}")
        self.assertRegex(bounced["reply"], r"^5\d\d 5\.", "in the receiver's own words")
        self.house.wait_for(lambda: self.recipients(word) == [f"user1@{self.may}", f"user2@{self.may}"], 30, "the others")
        self.house.wait_for(lambda: len(self.sender.messages) > before, 30, "the bounce")
        bounce = self.sender.messages[before]
        self.assertEqual((bounce["sender"], bounce["recipients"]), ("", ["a@sender.test"]))
        self.assertIn(bounced["reply"].split(" ")[1].encode(), bounce["body"])
        self.assertRegex(bounce["body"], rb"(?i)final-recipient: rfc822; ?nobody@")
        self.assertRegex(bounce["body"], rb"(?i)diagnostic-code: smtp; ?5\d\d ")
        self.assertIn(word, bounce["body"], "which message it was")

    def test_fifty_messages_share_connections_and_the_metrics_know_how_many(self):
        self.idle()
        before, transactions = (self.house.metrics(), self.peer.connections(), self.peer.greeted()), self.peer.transactions()
        sent = [self.content(EIGHT_BIT) for _ in range(50)]
        for _, content in sent:
            self.submit(self.may, content)
        self.house.wait_for(lambda: all(self.stored(word) for word, _ in sent), 30, "all of them")
        self.idle()
        for word, content in sent:
            self.assertEqual([without_our_received(stored.content) == content for stored in self.stored(word)], [True])
        self.assertEqual(self.peer.transactions() - transactions, 50)
        self.check_counts(*before)

    def check_counts(self, before, connections, greeted):
        def more(family, **labels):
            def total(samples):
                return sum(value for name, value in samples.items() if name.split("{")[0] == family
                           and all(f'{key}="{want}"' in name for key, want in labels.items()))
            return total(self.house.metrics()) - total(before)

        made = more("posthaste_outbound_connections_total")
        self.house.wait_for(lambda: self.peer.connections() - connections >= made and self.peer.all_closed(), 10, "its own count")
        self.assertEqual(self.peer.connections() - connections, made)
        # One that turned out not to be needed may have been closed before its EHLO: nobody knows what TLS it would have had.
        greeted = self.peer.greeted() - greeted
        self.assertLessEqual(greeted, made)
        complaints = self.peer.complaints()
        self.assertLessEqual(len(complaints), made - greeted, f"all others end with QUIT: {complaints}")
        shakes = {"direction": "outbound", "mode": "starttls"}
        good = more("posthaste_tls_handshakes_total", result="ok", **shakes)
        failed = more("posthaste_tls_handshakes_total", result="failed", reason=self.failure(), **shakes)
        fallbacks = more("posthaste_tls_fallbacks_total", reason=self.failure())
        self.assertEqual(more("posthaste_tls_handshakes_total", **shakes), good + failed, "nothing else went wrong")
        if self.tls:
            self.assertEqual((good, failed, fallbacks), (greeted, 0, 0))
        elif not self.offers_tls:
            self.assertEqual((good, failed, fallbacks), (0, greeted, greeted))
        else:  # every connection either fails in the handshake or does without, and that it will fail is remembered
            self.assertEqual((good, fallbacks), (0, greeted - failed))
        self.assertLess(made, 50, "connections are used again")


class SeenByOthers:
    """posttls-finger agrees with `posthaste tls probe` on version, cipher, and what is wrong with the certificate."""
    # What it offers itself, in its order: a receiver may choose by that.
    OFFER = {"finger": {"ciphersuites": "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"}}

    def ours(self, **rule):
        """What a probe says of the one address."""
        tls = self.house.config["tls"]
        tls["profiles"] = self.OFFER
        tls["domains"].append({"match": self.may, "ladder": ["finger"], **rule})
        try:
            file = self.house.write_config()
        finally:
            tls["domains"].pop()
        done = subprocess.run([TOOL, "tls", "probe", "--config", file, "--json", self.may], capture_output=True, text=True, timeout=60)
        host, = json.loads(done.stdout)["hosts"]
        address, = host["addresses"]
        self.assertEqual(done.returncode, 0 if address["verdict"] == "delivers" else 1)
        return address

    def check_agreement(self, name, ca_file, wrong="", failure=""):
        """What is wrong with the certificate, in their word and in ours."""
        if reason := rooms.why_not(finger.PACKAGE):
            self.skipTest(reason)
        theirs = finger.look(self.peer.address, self.peer.port, name, ca_file)
        self.assertEqual((theirs.trust, theirs.wrong), ("Untrusted" if wrong else "Verified", wrong), theirs.words)
        ours = self.ours(level="verify", ca_file=ca_file, match_names=[name])
        facts = ours["calls"][-1]["tls"]  # where the first was not satisfied there is another, that only looks
        self.assertEqual((facts["version"], facts["cipher"]), (theirs.version, theirs.cipher))
        self.assertEqual(ours["calls"][0]["failure"], failure)
        self.assertEqual(ours["verdict"], "defers" if wrong else "delivers")
        self.assertEqual(ours["calls"][0]["tls"] is not None, not wrong)

    def test_posttls_finger_agrees_about_a_good_certificate(self):
        self.check_agreement("mx.peer.test", self.authority.file)

    def test_posttls_finger_agrees_about_a_root_that_is_not_ours(self):
        other = self_signed(self.house.folder, f"other-{next(self.numbers)}", ["other.test"])
        self.check_agreement("mx.peer.test", other.file, "untrusted issuer", "cert_untrusted")

    def test_posttls_finger_agrees_about_a_name_that_it_does_not_bear(self):
        self.check_agreement("elsewhere.test", self.authority.file, "hostname mismatch", "cert_host_mismatch")


class BrokenStartTls:
    """OpenSMTPD 6.8 as Debian 12 builds it cannot do TLS with OpenSSL 3: it offers STARTTLS and then sends an alert (OpenSMTPD's
    issue 1171). So this is a receiver in the wild whose STARTTLS is broken, and can_tls() finds out whether it still is."""

    def test_broken_starttls_is_not_taken_for_no_mail(self):
        if self.tls:
            return  # it has been mended; the other tests treat it like any receiver
        self.check_arrives(self.may)
        self.assertGreater(self.house.metric("posthaste_tls_fallbacks_total", reason="peer_internal_error"), 0)
        self.assertGreater(self.house.metric("posthaste_tls_handshakes_total", reason="peer_internal_error"), 0)


class PostfixChunks:
    def test_content_goes_in_chunks_where_chunking_is_offered(self):
        before = self.peer.count(" data=")
        self.check_arrives(self.may, os.urandom(90_000).hex(" ", 30).replace(" ", "\r\n").encode() + b"\r\n")
        self.idle()
        self.house.wait_for(lambda: " bdat=" in self.peer.log(), 10, "Postfix's line about the session")
        self.assertEqual(self.peer.count(" data="), before)


def add_classes():
    for name, peer, own, with_tls in (("Aiosmtpd", Aiosmtpd, (), SeenByOthers), ("Postfix", Postfix, (PostfixChunks,), SeenByOthers),
                                      ("OpenSmtpd", OpenSmtpd, (), BrokenStartTls), ("Exim", Exim, (), SeenByOthers),
                                      ("Haraka", Haraka, (), SeenByOthers)):
        for suffix, offers_tls in (("", False), ("WithStartTls", True)):
            special = (*own, with_tls) if offers_tls else own
            cls = type(name + suffix, (*special, RealPeer, unittest.TestCase), {"peer_class": peer, "offers_tls": offers_tls})
            cls.__module__ = __name__
            globals()[cls.__name__] = cls


add_classes()


if __name__ == "__main__":
    unittest.main()
