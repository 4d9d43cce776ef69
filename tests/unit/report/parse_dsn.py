#!/usr/bin/env python3
"""Reads the golden notifications as a mail program would, with a parser that is not ours.

usage: parse_bounce.py GOLDEN_DIR
"""
import email
import email.policy
import email.utils
import pathlib
import sys
import unittest

GOLDEN = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else pathlib.Path("tests/golden/dsn")

SUBJECTS = ["Undelivered Mail Returned to Sender", "Delayed Mail: Delivery Is Still Being Tried",
            "Mail Handed On to the Recipient's Mail System"]
WORDS = {"failed": "could not be delivered", "delayed": "not yet reached", "relayed": "was handed on"}
CLASSES = {"failed": "^[45]", "delayed": "^4", "relayed": "^2"}
FIELDS = {"Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
          "Last-Attempt-Date", "Will-Retry-Until", "X-Posthaste-Attempts", "X-Posthaste-TLS",
          "X-Posthaste-TLS-Failure"}


def parse(name):
    return email.message_from_bytes((GOLDEN / name).read_bytes(), policy=email.policy.SMTPUTF8)


def status_blocks(message):
    """The groups of fields of the second part: the message's, then one for each recipient."""
    part = list(message.iter_parts())[1]
    if part.get_content_type() == "message/delivery-status":
        return part.get_payload()
    # Python knows no message/global-delivery-status: it takes what is inside for a message.
    inner = part.get_payload(0)
    rest = inner.get_payload(decode=True).decode()
    return [inner] + [email.message_from_string(block, policy=email.policy.SMTPUTF8)
                      for block in rest.replace("\r\n", "\n").strip().split("\n\n")]


class EveryNotification(unittest.TestCase):
    def setUp(self):
        names = sorted(path.name for path in GOLDEN.glob("*.eml"))
        self.assertGreaterEqual(len(names), 12)
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
                self.assertIn(message["Subject"], SUBJECTS)
                self.assertEqual(message["Date"].datetime.isoformat(), "2026-11-21T12:00:00+00:00")
                self.assertRegex(message["Message-ID"], r"^<\w+@mta1\.example\.com>$")
                self.assertEqual(message["MIME-Version"], "1.0")
                self.assertEqual(sorted(message.keys()), sorted(set(message.keys())))
                self.assertEqual(message["In-Reply-To"], message["References"])
                self.assertIsNone(message["Bcc"])

    def test_tells_programs_about_each_recipient(self):
        for name, message in self.messages:
            with self.subTest(name):
                first, *others = status_blocks(message)
                self.assertEqual(first["Reporting-MTA"], "dns; mta1.example.com")
                self.assertIsNotNone(first["Arrival-Date"])
                self.assertGreaterEqual(len(others), 1)
                for block in others:
                    self.assertRegex(block["Status"], CLASSES[block["Action"]] + r"\.\d{1,3}\.\d{1,3}$")
                    self.assertEqual(set(block.keys()) - FIELDS, set())
                    for field in ("Last-Attempt-Date", "Will-Retry-Until"):
                        if field in block:
                            self.assertIsNotNone(email.utils.parsedate_to_datetime(block[field]))
                    self.assertRegex(block["Final-Recipient"], r"^(rfc822|utf-8); \S.*@")
                    self.assertIsNone(block["Bcc"])

    def test_tells_the_person(self):
        for name, message in self.messages:
            with self.subTest(name):
                words = list(message.iter_parts())[0].get_content()
                _, *others = status_blocks(message)
                for block in others:
                    self.assertIn(block["Final-Recipient"].split("; ", 1)[1], words)
                    self.assertIn(WORDS[block["Action"]], " ".join(words.split()))
                if name != "hostile.eml":
                    self.assertTrue(all(len(line) <= 72 for line in words.splitlines()))

    def test_has_the_subject_of_what_counts_most(self):
        for name, message in self.messages:
            with self.subTest(name):
                actions = {block["Action"] for block in status_blocks(message)[1:]}
                first = next(action for action in ("failed", "delayed", "relayed") if action in actions)
                self.assertEqual(message["Subject"], SUBJECTS[list(WORDS).index(first)])


class OneNotification(unittest.TestCase):
    def test_returns_the_headers(self):
        part = list(parse("unknown_user.eml").iter_parts())[2]
        self.assertEqual(part.get_content_type(), "text/rfc822-headers")
        self.assertIn("Subject: The minutes", part.get_payload())

    def test_returns_the_whole_message(self):
        part = list(parse("several_whole.eml").iter_parts())[2]
        self.assertEqual(part.get_content_type(), "message/rfc822")
        inner = part.get_payload(0)
        self.assertEqual(inner["Subject"], "The minutes")
        self.assertIn("here they are.", inner.get_content())

    def test_has_one_block_for_each_recipient(self):
        first, *others = status_blocks(parse("several_whole.eml"))
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

    def test_tells_of_a_delay(self):
        message = parse("delayed.eml")
        _, block = status_blocks(message)
        self.assertEqual((block["Action"], block["Status"]), ("delayed", "4.4.1"))
        until = email.utils.parsedate_to_datetime(block["Will-Retry-Until"])
        self.assertGreater(until, message["Date"].datetime)
        part = list(message.iter_parts())[2]
        self.assertEqual(part.get_content_type(), "text/rfc822-headers", "RET=FULL is for failures")

    def test_tells_of_a_time_that_was_set(self):
        first, _ = status_blocks(parse("deliver_by.eml"))
        self.assertEqual(first["Deliver-By-Date"], "Sat, 21 Nov 2026 12:00:00 +0000")

    def test_tells_who_took_it_over(self):
        first, block = status_blocks(parse("relayed.eml"))
        self.assertEqual(first["Original-Envelope-Id"], "QQ314159")
        self.assertEqual((block["Action"], block["Status"]), ("relayed", "2.0.0"))
        self.assertEqual(block["Remote-MTA"], "dns; mx.old.example")
        self.assertEqual(block["Diagnostic-Code"], "smtp; 250 2.0.0 queued as 4711")
        self.assertTrue(block["X-Posthaste-TLS"].startswith("TLSv1.2 "))

    def test_has_an_action_for_each_recipient(self):
        _, *others = status_blocks(parse("mixed.eml"))
        self.assertEqual([block["Action"] for block in others], ["relayed", "delayed", "failed"])

    def test_tells_why_there_was_no_encryption(self):
        message = parse("tls.eml")
        _, block = status_blocks(message)
        self.assertEqual(block["X-Posthaste-TLS-Failure"], "cert_expired")
        self.assertIn("certificate has expired", list(message.iter_parts())[0].get_content())

    def test_is_shown_beside_the_message(self):
        self.assertEqual(parse("unknown_user.eml")["In-Reply-To"], "<1@app.example>")
        self.assertIsNone(parse("hostile.eml")["In-Reply-To"])

    def test_speaks_utf8_to_whom_utf8_belongs(self):
        message = parse("international.eml")
        types = [part.get_content_type() for part in message.iter_parts()]
        self.assertEqual(types, ["text/plain", "message/global-delivery-status",
                                 "message/global-headers"])
        self.assertIn("bøb ist unbekannt", list(message.iter_parts())[0].get_content())
        content = (GOLDEN / "international.eml").read_bytes()
        self.assertIn("utf-8; bøb@example.net".encode(), content)

    def test_keeps_the_worst_in_its_place(self):
        message = parse("hostile.eml")
        self.assertEqual(len(status_blocks(message)), 2)
        headers = list(message.iter_parts())[2]
        self.assertIn(b"X-Latin: \xe4", headers.get_payload(decode=True))


if __name__ == "__main__":
    unittest.main()
