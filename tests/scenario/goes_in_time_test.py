"""When a message may go and by when it has to be there, from a submission to the next hop: FUTURERELEASE (RFC 4865), DELIVERBY
(RFC 2852), MT-PRIORITY (RFC 6710).
"""
import datetime
import re
import smtplib
import time
import unittest

from house import House

PLAIN = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")


class GoesInTime(unittest.TestCase):
    """a.test is the recipient's; sender.test has a mailbox that notifications go to."""

    def setUp(self):
        self.house = house = House({"retry": {"default": {"intervals": ["1s"], "jitter": 0}}})
        self.addCleanup(house.close)
        self.sender = house.receiver("mx.sender.test")
        house.domain("sender.test", ["mx.sender.test"])
        house.domain("a.test", ["mx.a.test"])

    def start(self, *offers, **behaviour):
        mx = self.house.receiver("mx.a.test", extensions=PLAIN + offers, **behaviour)
        self.house.start()
        return mx

    def submit(self, *wishes, notify=()):
        """Gives the id of the message."""
        with smtplib.SMTP("127.0.0.1", self.house.submission, local_hostname="submitter.test", timeout=30) as client:
            client.ehlo()
            self.assertEqual(client.mail("a@sender.test", wishes)[0], 250)
            self.assertEqual(client.rcpt("b@a.test", notify)[0], 250)
            code, words = client.data(b"Subject: hello\r\n\r\nHello.\r\n")
            self.assertEqual(code, 250, words)
            return words.decode().split()[-1]

    def said(self, mx, verb):
        [line] = [command for session in mx.sessions for command in session.commands if command.startswith(verb)]
        return line

    def notification(self):
        self.house.wait_for(lambda: self.sender.messages)
        return self.sender.messages[0]["body"].decode()

    def test_what_is_to_be_held_goes_when_its_time_has_come(self):
        mx = self.start()
        began = time.monotonic()
        message = self.submit("HOLDFOR=3")
        self.house.stop()
        self.house.start()  # it changes nothing
        self.house.wait_event("delivered", id=message)
        self.assertGreaterEqual(time.monotonic() - began, 3)
        self.assertEqual(len(mx.sessions), 1)

    def test_until_a_time_of_day(self):
        self.start()
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        message = self.submit(f"HOLDUNTIL={until:%Y-%m-%dT%H:%M:%S.%fZ}")
        self.house.wait_event("delivered", id=message)
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc), until)

    def test_a_host_that_can_be_told_of_it_is(self):
        mx = self.start("DELIVERBY", "MT-PRIORITY MIXER", "DSN")
        message = self.submit("BY=3600;R", "MT-PRIORITY=3", "ENVID=x", notify=["NOTIFY=SUCCESS"])
        self.house.wait_event("delivered", id=message)
        left = int(re.search(r" BY=(\d+);R ", self.said(mx, "MAIL")).group(1))
        self.assertTrue(3540 < left < 3600, left)
        self.assertIn(" ENVID=x ", self.said(mx, "MAIL"))
        self.assertTrue(self.said(mx, "MAIL").endswith(" MT-PRIORITY=3"))
        self.assertEqual(self.said(mx, "RCPT"), "RCPT TO:<b@a.test> NOTIFY=SUCCESS ORCPT=rfc822;b@a.test")
        self.assertIn("for <b@a.test> PRIORITY 3;", mx.messages[0]["body"].decode())
        self.assertEqual(self.sender.messages, [], "it is the host's to report")

    def test_a_host_that_cannot_gets_nothing_that_is_to_come_back_in_time(self):
        mx = self.start()
        message = self.submit("BY=3600;R")
        self.assertIn("5.3.3", self.house.wait_event("bounced", id=message)["reply"])
        told = self.notification()
        self.assertIn("Action: failed\r\nStatus: 5.3.3\r\n", told)
        self.assertRegex(told, "\r\nDeliver-By-Date: ")
        self.assertEqual(mx.messages, [])

    def test_other_mail_goes_there_and_its_sender_hears_of_it(self):
        mx = self.start("DSN")
        message = self.submit("BY=3600;N", "MT-PRIORITY=-2")
        self.house.wait_event("delivered", id=message)
        self.assertNotIn("BY=", self.said(mx, "MAIL"))
        self.assertEqual(self.said(mx, "RCPT"), "RCPT TO:<b@a.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@a.test")
        self.assertIn("Action: relayed\r\n", self.notification())

    def test_what_is_late_comes_back(self):
        self.house.config["submission"]["deliver_by_min"] = "0s"
        mx = self.start("DELIVERBY", greeting="421 4.3.2 not now")
        message = self.submit("BY=3;R")
        self.house.wait_for(lambda: self.sender.messages)
        self.assertIn("Action: failed\r\nStatus: 5.4.7\r\n", self.notification())
        self.assertEqual(mx.messages, [])
        self.assertIn("BY=", self.house.wait_event("accepted", id=message)["by"])


if __name__ == "__main__":
    unittest.main()
