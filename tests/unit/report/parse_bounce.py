#!/usr/bin/env python3
"""Reads the golden notifications as a mail program would, with a parser that is not ours.

usage: parse_bounce.py GOLDEN_DIR
"""
import email
import email.policy
import pathlib
import sys
import unittest

GOLDEN = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else pathlib.Path("tests/golden")


def parse(name):
    return email.message_from_bytes((GOLDEN / name).read_bytes(), policy=email.policy.SMTPUTF8)


def status_blocks(message):
    """The groups of fields of the second part: the message's, then one for each recipient."""
    part = list(message.iter_parts())[1]
    if part.get_content_type() == "message/delivery-status":
        return part.get_payload()
    # Python knows no message/global-delivery-status: it takes what is inside for a message.
    inner = part.get_payload(0)
    rest = inner.get_payload()
    return [inner, email.message_from_string(rest, policy=email.policy.SMTPUTF8)]


class EveryBounce(unittest.TestCase):
    def setUp(self):
        names = sorted(path.name for path in GOLDEN.glob("bounce_*.eml"))
        self.assertGreaterEqual(len(names), 4)
        self.messages = [(name, parse(name)) for name in names]

    def test_is_a_report_without_defects(self):
        for name, message in self.messages:
            with self.subTest(name):
                for part in message.walk():
                    self.assertEqual(part.defects, [])
                self.assertEqual(message.get_content_type(), "multipart/report")
                self.assertEqual(message.get_param("report-type"), "delivery-status")
                self.assertEqual(len(list(message.iter_parts())), 3)

    def test_has_the_fields_of_a_robot(self):
        for name, message in self.messages:
            with self.subTest(name):
                sender = message["From"].addresses[0]
                self.assertEqual(sender.addr_spec, "MAILER-DAEMON@mta1.example.com")
                self.assertEqual(sender.display_name, "Mail Delivery System")
                self.assertEqual(message["Auto-Submitted"], "auto-replied")
                self.assertEqual(message["Subject"], "Undelivered Mail Returned to Sender")
                self.assertEqual(message["Date"].datetime.isoformat(), "2026-11-21T12:00:00+00:00")
                self.assertRegex(message["Message-ID"], r"^<\w+@mta1\.example\.com>$")
                self.assertEqual(message["MIME-Version"], "1.0")
                self.assertEqual(sorted(message.keys()), sorted(set(message.keys())))
                self.assertIsNone(message["Bcc"])

    def test_tells_programs_about_each_recipient(self):
        for name, message in self.messages:
            with self.subTest(name):
                first, *others = status_blocks(message)
                self.assertEqual(first["Reporting-MTA"], "dns; mta1.example.com")
                self.assertIsNotNone(first["Arrival-Date"])
                self.assertGreaterEqual(len(others), 1)
                for block in others:
                    self.assertEqual(block["Action"], "failed")
                    self.assertRegex(block["Status"], r"^[45]\.\d{1,3}\.\d{1,3}$")
                    self.assertRegex(block["Final-Recipient"], r"^(rfc822|utf-8); \S.*@")
                    self.assertIsNone(block["Bcc"])

    def test_tells_the_person(self):
        for name, message in self.messages:
            with self.subTest(name):
                words = list(message.iter_parts())[0].get_content()
                self.assertIn("could not be delivered", words)
                self.assertTrue(all(len(line) < 1000 for line in words.splitlines()))


class OneBounce(unittest.TestCase):
    def test_returns_the_headers(self):
        part = list(parse("bounce_unknown_user.eml").iter_parts())[2]
        self.assertEqual(part.get_content_type(), "text/rfc822-headers")
        self.assertIn("Subject: The minutes", part.get_payload())

    def test_returns_the_whole_message(self):
        part = list(parse("bounce_several.eml").iter_parts())[2]
        self.assertEqual(part.get_content_type(), "message/rfc822")
        inner = part.get_payload(0)
        self.assertEqual(inner["Subject"], "The minutes")
        self.assertIn("here they are.", inner.get_content())

    def test_has_one_block_for_each_recipient(self):
        first, *others = status_blocks(parse("bounce_several.eml"))
        self.assertEqual(first["Original-Envelope-Id"], "QQ314159")
        self.assertEqual([block["Final-Recipient"] for block in others],
                         ["rfc822; bob@example.net", "rfc822; carol@slow.example",
                          'rfc822; "d. e"@example.org'])
        self.assertEqual([block["Remote-MTA"] for block in others],
                         ["dns; mx1.example.net", None, "dns; [192.0.2.9]"])
        self.assertEqual(others[0]["Diagnostic-Code"], "smtp; 550 5.1.1 no such user here")
        self.assertEqual(others[1]["Original-Recipient"], "rfc822; carol+minutes@slow.example")
        self.assertEqual(others[1]["Diagnostic-Code"],
                         "x-posthaste; connection timed out while connecting")

    def test_speaks_utf8_to_whom_utf8_belongs(self):
        message = parse("bounce_international.eml")
        types = [part.get_content_type() for part in message.iter_parts()]
        self.assertEqual(types, ["text/plain", "message/global-delivery-status",
                                 "message/global-headers"])
        self.assertIn("bøb ist unbekannt", list(message.iter_parts())[0].get_content())
        content = (GOLDEN / "bounce_international.eml").read_bytes()
        self.assertIn("utf-8; bøb@example.net".encode(), content)

    def test_keeps_the_worst_in_its_place(self):
        message = parse("bounce_hostile.eml")
        self.assertEqual(len(status_blocks(message)), 2)
        headers = list(message.iter_parts())[2]
        self.assertIn(b"X-Latin: \xe4", headers.get_payload(decode=True))


if __name__ == "__main__":
    unittest.main()
