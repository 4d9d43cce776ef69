"""Mail to receivers that we did not write: aiosmtpd, Postfix and OpenSMTPD, each without and with STARTTLS.

Every receiver really stores the mail, and what it stored is compared octet by octet with what was submitted. Postfix and
OpenSMTPD come from Debian's packages (peers/rooms.py); without root or without mounts their tests are skipped.
"""
import itertools
import os
import unittest

import certificates
from house import House
from peers import rooms
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
        cls.may, cls.strict = "may.peer.test", "strict.peer.test"
        cls.house = house = House({"tls": {"domains": [{"match": [cls.strict], "level": "encrypt"}]}})
        try:
            certificate = certificates.make(house.folder, "mx.peer.test") if cls.offers_tls else None
            cls.peer = cls.peer_class(house.host("mx.peer.test"), house.port, "mx.peer.test", [cls.may, cls.strict], certificate)
            house.receivers.append(cls.peer)
            for domain in (cls.may, cls.strict):
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
            return
        word, content = self.content()
        before = self.peer.transactions()
        message = self.submit(self.strict, content)
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
    for name, peer, own in (("Aiosmtpd", Aiosmtpd, ()), ("Postfix", Postfix, (PostfixChunks,)), ("OpenSmtpd", OpenSmtpd, ())):
        for suffix, offers_tls in (("", False), ("WithStartTls", True)):
            special = (BrokenStartTls,) if peer is OpenSmtpd and offers_tls else own
            cls = type(name + suffix, (*special, RealPeer, unittest.TestCase), {"peer_class": peer, "offers_tls": offers_tls})
            cls.__module__ = __name__
            globals()[cls.__name__] = cls


add_classes()


if __name__ == "__main__":
    unittest.main()
