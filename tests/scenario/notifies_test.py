"""What a sender is told: of failures, delays and takeovers, as NOTIFY, RET, ENVID and ORCPT ask for it."""
import email
import email.policy
import json
import unittest

from house import House

WITHOUT_DSN = ("PIPELINING", "8BITMIME", "SIZE 52428800", "ENHANCEDSTATUSCODES", "SMTPUTF8")
MESSAGE = (b"From: Ann <a@sender.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@submitter.test>\r\n\r\n"
           b"Secret words.\r\n")


class Notification:
    """What came to the sender's own host, read by Python's email package."""

    def __init__(self, message):
        self.envelope = message
        self.mail = email.message_from_bytes(message["body"], policy=email.policy.SMTP)
        words, status, self.original = self.mail.iter_parts()
        self.words = " ".join(words.get_content().split())
        self.message, *self.recipients = status.get_payload()

    def of(self, address):
        return next(block for block in self.recipients if block["Final-Recipient"] == f"rfc822; {address}")

    def actions(self):
        return {block["Final-Recipient"].split("; ")[1]: block["Action"] for block in self.recipients}


class Senders(unittest.TestCase):
    """One house for all tests of a class. Each test has a sender of its own, and looks at his mailbox."""
    CONFIG = {}

    @classmethod
    def setUpClass(cls):
        cls.house = house = House(cls.CONFIG)
        cls.aware = house.receiver("mx.aware.test", rcpt=cls.answer)
        cls.unaware = house.receiver("mx.unaware.test", extensions=WITHOUT_DSN, rcpt=cls.answer)
        cls.sender = house.receiver("mx.sender.test")
        for name in ("aware.test", "unaware.test", "sender.test"):
            house.domain(name, [f"mx.{name}"])
        house.start()

    @classmethod
    def tearDownClass(cls):
        cls.house.close()

    @staticmethod
    def answer(address):
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        return "450 4.2.2 come back later" if address.startswith("later") else "250 2.1.5 ok"

    def setUp(self):
        self.me = self.id().rsplit(".", 1)[1][:40] + "@sender.test"

    def send(self, *recipients, notify=None, mail_options=(), rcpt_options=()):
        options = [f"NOTIFY={notify}"] if notify else []
        return self.house.submit(self.me, recipients, MESSAGE, mail_options=mail_options, rcpt_options=[*options, *rcpt_options])

    def told(self):
        return [Notification(message) for message in list(self.sender.messages) if message["recipients"] == [self.me]]

    def wait_told(self, count=1):
        self.house.wait_for(lambda: len(self.told()) >= count, 30, f"{count} notifications to {self.me}")
        told = self.told()
        self.assertEqual(len(told), count)
        for notification in told:
            self.assertEqual(notification.envelope["sender"], "")
            self.assertEqual(notification.mail["Auto-Submitted"], "auto-replied")
            self.assertEqual(notification.mail["In-Reply-To"], "<1@submitter.test>")
            self.assertIn("Subject: Grüße", notification.words)
        return told

    def assert_nothing_told(self):
        """What is told of a fate stands in the log behind it, and before what comes later."""
        self.house.wait_event("delivered", id=self.house.submit("end@sender.test", ["end@sender.test"]))
        self.assertEqual([entry for entry in self.house.events("notification") if entry["to"] == self.me], [])

    def commands(self, receiver, address):
        return [line for session in receiver.sessions for line in session.commands if f"<{address}>" in line]


class Notify(Senders):
    CONFIG = {"retry": {"default": {"delay_notice_after": "1s"}}}

    # ---- success ----------------------------------------------------------------------------------------------------
    def test_a_host_that_tells_nobody_is_told_of(self):
        self.send("b@unaware.test", notify="SUCCESS", mail_options=["ENVID=QQ+3D1", "RET=FULL"],
                  rcpt_options=["ORCPT=rfc822;Bob+2Bx@unaware.test"])
        notification, = self.wait_told()
        block = notification.of("b@unaware.test")
        self.assertEqual((block["Action"], block["Status"]), ("relayed", "2.0.0"))
        self.assertEqual(block["Original-Recipient"], "rfc822; Bob+x@unaware.test")
        self.assertEqual(block["Remote-MTA"], "dns; mx.unaware.test")
        self.assertEqual(notification.message["Original-Envelope-Id"], "QQ=1")
        self.assertEqual(notification.original.get_content_type(), "text/rfc822-headers")
        self.assertNotIn(b"Secret", notification.envelope["body"])
        self.assertFalse([line for line in self.commands(self.unaware, "b@unaware.test") if "NOTIFY" in line])

    def test_a_host_that_tells_for_itself_is_left_to_do_so(self):
        message = self.send("b@aware.test", notify="SUCCESS,FAILURE")
        self.house.wait_event("delivered", id=message)
        self.assert_nothing_told()
        self.assertTrue([line for line in self.commands(self.aware, "b@aware.test") if "NOTIFY=SUCCESS,FAILURE" in line])

    def test_success_that_nobody_asked_for_is_not_told(self):
        for notify in (None, "FAILURE", "DELAY", "NEVER"):
            self.house.wait_event("delivered", id=self.send("c@unaware.test", notify=notify))
        self.assert_nothing_told()

    # ---- failure ----------------------------------------------------------------------------------------------------
    def test_a_failure_is_told_with_the_whole_message_where_that_was_asked(self):
        self.send("nobody@aware.test", mail_options=["RET=FULL"])
        notification, = self.wait_told()
        block = notification.of("nobody@aware.test")
        self.assertEqual((block["Action"], block["Status"]), ("failed", "5.1.1"))
        self.assertEqual(block["Diagnostic-Code"], "smtp; 550 5.1.1 no such user")
        self.assertIn("Secret words.", notification.original.get_payload(0).get_content())

    def test_a_failure_is_told_with_the_headers_where_that_was_asked(self):
        self.send("nobody@aware.test", notify="FAILURE", mail_options=["RET=HDRS"])
        notification, = self.wait_told()
        self.assertNotIn(b"Secret", notification.envelope["body"])

    def test_a_failure_that_is_nobodys_business_is_not_told(self):
        for notify in ("NEVER", "SUCCESS", "DELAY"):
            self.house.wait_event("bounced", id=self.send("nobody@aware.test", notify=notify))
        self.assert_nothing_told()

    # ---- several at once --------------------------------------------------------------------------------------------
    def test_the_fates_of_one_transaction_are_told_in_one_message(self):
        self.send("nobody@unaware.test", "d@unaware.test", "e@unaware.test", notify="SUCCESS,FAILURE")
        notification, = self.wait_told()
        self.assertEqual(notification.actions(), {"nobody@unaware.test": "failed", "d@unaware.test": "relayed",
                                                  "e@unaware.test": "relayed"})
        self.assertTrue(notification.mail["Subject"].startswith("Undelivered"))

    def test_only_those_are_named_who_are_to_be(self):
        self.send("nobody@unaware.test", "f@unaware.test", "g@aware.test")
        notification, = self.wait_told()
        self.assertEqual(notification.actions(), {"nobody@unaware.test": "failed"})

    # ---- delay ------------------------------------------------------------------------------------------------------
    def test_a_delay_is_told_once(self):
        message = self.send("later@aware.test", mail_options=["RET=FULL"])
        notification, = self.wait_told()
        block = notification.of("later@aware.test")
        self.assertEqual(block["Action"], "delayed")
        self.assertTrue(block["Status"].startswith("4."))
        self.assertIsNotNone(block["Will-Retry-Until"])
        self.assertIn("450 4.2.2 come back later", notification.words)
        self.assertNotIn(b"Secret", notification.envelope["body"])
        self.assertEqual([event["kind"] for event in self.trace(message) if event["kind"] == "delay_told"], ["delay_told"])
        self.house.tool("queue", "retry", message)
        self.house.wait_for(lambda: sum(e["kind"] == "deferred" for e in self.trace(message)) >= 2, 10, "one more attempt")
        self.wait_told(1)

    def trace(self, message):
        return json.loads(self.house.tool("--json", "trace", message))["events"]

    def test_a_delay_that_is_nobodys_business_is_not_told(self):
        witness = "witness@sender.test"
        for notify in ("NEVER", "SUCCESS", "FAILURE"):
            self.house.wait_event("deferred", id=self.send("later@aware.test", notify=notify))
        self.house.submit(witness, ["later@aware.test"], MESSAGE, rcpt_options=["NOTIFY=DELAY"])
        self.house.wait_for(lambda: [m for m in self.sender.messages if m["recipients"] == [witness]], 30, "the witness's")
        self.assertEqual(self.told(), [])

    def test_who_is_told_of_a_delay_is_told_of_the_end_too(self):
        message = self.send("later@unaware.test", notify="DELAY,FAILURE")
        self.wait_told(1)
        self.house.tool("queue", "bounce", message)
        end = self.wait_told(2)[1]
        self.assertEqual(end.of("later@unaware.test")["Action"], "failed")
        self.assertIn("The operator of this mail system has returned the message", end.words)


class DeliverBy(Senders):
    """RFC 2852: only what the sender himself has set is told."""
    CONFIG = {"retry": {"default": {"delay_notice_after": "0s"}}, "submission": {"deliver_by_min": "0s"}}

    def test_mail_that_is_late_is_told_of_and_goes_on(self):
        message = self.send("later@aware.test", mail_options=["BY=2;N"])
        notification, = self.wait_told()
        self.assertEqual(notification.of("later@aware.test")["Action"], "delayed")
        self.assertIsNotNone(notification.message["Deliver-By-Date"])
        self.assertIn("as you asked", notification.words)
        self.house.tool("queue", "show", message)  # fails where it has ended

    def test_mail_that_is_late_comes_back_where_that_was_asked(self):
        self.send("later@aware.test", mail_options=["BY=2;R"])
        notification, = self.wait_told()
        block = notification.of("later@aware.test")
        self.assertEqual(block["Action"], "failed")
        self.assertTrue(block["Status"].startswith("5."))

    def test_every_hop_is_told_of_where_that_was_asked(self):
        self.send("h@aware.test", mail_options=["BY=3600;NT"])
        notification, = self.wait_told()
        self.assertEqual(notification.of("h@aware.test")["Action"], "relayed")
        self.assertIn("for that host to tell you", notification.words)


if __name__ == "__main__":
    unittest.main()
