"""Submission as clients see it, on a raw socket: limits, refusals, TLS, and clients that try to cheat."""
import re
import smtplib
import socket
import ssl
import subprocess
import unittest

import certificates
from house import House


class Raw:
    """A client that sends exactly the octets it is told to."""

    def __init__(self, house, port=None):
        self.socket = socket.create_connection(("127.0.0.1", port or house.submission), 10)
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return "".join(lines) or "closed"
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "".join(lines)

    def ask(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode() + b"\r\n")
        return self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


def envelope(client):
    client.ask("EHLO submitter.test")
    client.ask("MAIL FROM:<a@sender.test>")
    client.ask("RCPT TO:<b@nowhere.test>")


class TakesSubmissions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        certificate, key = certificates.make(cls.house.folder, "mta.test")
        from house import free_port
        cls.starttls, cls.implicit, cls.strangers = free_port(), free_port(), free_port()
        cls.house.config["listen"] += [{"address": f"127.0.0.1:{cls.starttls}", "tls": "starttls"},
                                       {"address": f"127.0.0.1:{cls.implicit}", "tls": "implicit"}]
        cls.house.config["submission"].update({"certificate": certificate, "private_key": key, "trusted": ["127.0.0.1/32"],
                                               "limits": {"message_size": "100KiB", "recipients": 3}})
        cls.house.start()

    @classmethod
    def tearDownClass(cls):
        cls.house.close()

    def test_ehlo_offers_what_it_does(self):
        with Raw(self.house) as client:
            self.assertTrue(client.greeting.startswith("220 mta.test ESMTP"))
            offers = client.ask("EHLO x.test")
            for word in ("PIPELINING", "SIZE 102400", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN"):
                self.assertIn(word, offers)
            self.assertNotIn("STARTTLS", offers)
            self.assertTrue(client.ask("VRFY root").startswith("252"))
            self.assertTrue(client.ask("NOOP").startswith("250"))
            self.assertTrue(client.ask("QUIT").startswith("221"))

    def check_smuggling(self, terminator):
        with Raw(self.house) as client:
            envelope(client)
            client.ask("DATA")
            smuggled = b"Subject: x\r\n\r\nbody" + terminator + b"MAIL FROM:<evil@sender.test>\r\nRCPT TO:<v@nowhere.test>\r\nDATA\r\nevil\r\n.\r\n"
            reply = client.ask(smuggled)
            self.assertIn("5.5.2", reply)
            self.assertTrue(client.ask("NOOP").startswith("250"), "nothing behind it was taken for a command")

    def test_a_bare_line_feed_does_not_end_a_message(self):
        for terminator in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r.\r", b"\n.\r"):
            with self.subTest(terminator=terminator):
                self.check_smuggling(terminator)

    def test_a_message_that_is_too_large_is_refused_at_mail_and_while_reading(self):
        with Raw(self.house) as client:
            client.ask("EHLO x.test")
            self.assertTrue(client.ask("MAIL FROM:<a@sender.test> SIZE=200000").startswith("552 5.3.4"))
            envelope(client)
            client.ask("DATA")
            self.assertTrue(client.ask(b"Subject: x\r\n\r\n" + b"y" * 70 + (b"\r\n" + b"y" * 70) * 2000 + b"\r\n.\r\n").startswith("552 5.3.4"))
            self.assertTrue(client.ask("NOOP").startswith("250"))

    def test_too_many_recipients(self):
        with Raw(self.house) as client:
            client.ask("EHLO x.test")
            client.ask("MAIL FROM:<a@sender.test>")
            replies = [client.ask(f"RCPT TO:<u{n}@nowhere.test>")[:9] for n in range(4)]
            self.assertEqual(replies, ["250 2.1.5"] * 3 + ["452 4.5.3"])

    def test_a_loop_is_refused(self):
        with Raw(self.house) as client:
            envelope(client)
            client.ask("DATA")
            loop = b"".join(b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" for _ in range(101))
            self.assertTrue(client.ask(loop + b"\r\nx\r\n.\r\n").startswith("554 5.4.6"))

    def test_starttls_and_what_is_pipelined_behind_it_ends_the_session(self):
        with Raw(self.house, self.starttls) as client:
            self.assertIn("STARTTLS", client.ask("EHLO x.test"))
            reply = client.ask(b"STARTTLS\r\nMAIL FROM:<evil@sender.test>\r\n")
            self.assertFalse(reply.startswith("220") and client.reply().startswith("250"))
            self.assertEqual(client.reply(), "closed")

    def test_smtplib_over_starttls_and_over_implicit_tls(self):
        context = ssl.create_default_context(cafile=f"{self.house.folder}/mta.test.pem")
        with smtplib.SMTP("127.0.0.1", self.starttls) as client:
            client._host = "mta.test"
            client.starttls(context=context)
            self.assertNotIn("starttls", client.esmtp_features)
            client.sendmail("a@sender.test", ["b@nowhere.test"], "Subject: x\r\n\r\nx\r\n")
        context.check_hostname = False
        with smtplib.SMTP_SSL("127.0.0.1", self.implicit, context=context) as client:
            client.sendmail("a@sender.test", ["b@nowhere.test"], "Subject: x\r\n\r\nx\r\n")
        self.assertEqual(self.house.metric("posthaste_tls_handshakes_total", direction="inbound", mode="implicit", result="ok"), 1)

    def test_swaks_over_each_way_in(self):
        for port, options in ((self.house.submission, []), (self.starttls, ["-tls"]), (self.implicit, ["-tlsc"])):
            with self.subTest(port=port):
                done = subprocess.run(["swaks", "--server", f"127.0.0.1:{port}", "--from", "a@sender.test", "--to", "b@nowhere.test",
                                       *options], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertRegex(done.stdout, r"250 2\.0\.0 queued as [0-9A-Z]{13}")

    def test_somebody_who_is_not_trusted_may_not_submit(self):
        with socket.create_connection(("127.0.0.1", self.house.submission), 10, source_address=("127.0.0.9", 0)) as stranger:
            file = stranger.makefile("rb")
            file.readline()
            stranger.sendall(b"HELO x.test\r\nMAIL FROM:<a@sender.test>\r\n")
            file.readline()
            self.assertRegex(file.readline().decode(), r"^5[35]0 5\.7\.")

    def test_bdat_in_pieces(self):
        with Raw(self.house) as client:
            envelope(client)
            self.assertTrue(client.ask(b"BDAT 16\r\nSubject: bdat\r\n\r\n"[:9] + b"Subject: bdat\r\n\r").startswith("250"))
            self.assertTrue(client.ask(b"BDAT 4 LAST\r\n\nx\r\n").startswith("250 2.0.0 queued as"))


class Overload(unittest.TestCase):
    def test_too_many_connections_get_a_421(self):
        with House({"submission": {"limits": {"connections": 2}}}) as house:
            house.start()
            with Raw(house), Raw(house), Raw(house) as third:
                self.assertTrue(third.greeting.startswith("421"), third.greeting)

    def test_a_full_disk_answers_452_and_takes_mail_again_when_there_is_room(self):
        with House() as house:
            house.config["queue"]["min_free_space"] = "900TiB"
            house.start()
            with Raw(house) as client:
                envelope(client)
                client.ask("DATA")
                self.assertTrue(client.ask(b"Subject: x\r\n\r\nx\r\n.\r\n").startswith("452 4.3.1"))
                self.assertTrue(client.ask("NOOP").startswith("250"))
            self.assertEqual(house.metric("posthaste_submissions_refused_total", reason="full"), 1)
            house.stop()
            house.config["queue"]["min_free_space"] = "16MiB"
            house.start()
            house.submit("a@sender.test", ["b@nowhere.test"])


class Metrics(unittest.TestCase):
    def check_with_promtool(self, text):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), "neither an error nor a word of advice")

    def test_every_failure_is_known_and_zero_from_the_start(self):
        with House() as house:
            house.start()
            text = house.get("/metrics")
            self.check_with_promtool(text)
            reasons = set(re.findall(r'posthaste_tls_handshakes_total\{direction="outbound".*?reason="(\w+)"', text))
            self.assertGreaterEqual(len(reasons), 30)
            self.assertEqual(house.metric("posthaste_tls_handshakes_total"), 0)
            self.assertEqual(house.get("/healthz").strip(), "ok")

    def test_promtool_accepts_them_after_mail_has_come_and_gone(self):
        with House({"metrics": {"domains": ["good.test"], "top_domains": 1}}) as house:
            receiver = house.receiver("mx.good.test", starttls=house.tls())
            house.domain("good.test", ["mx.good.test"])
            house.start()
            for domain in ("good.test", "nowhere.test", "elsewhere.test"):
                house.submit("a@sender.test", [f"b@{domain}"])
            house.wait_for(lambda: receiver.messages and house.metric("posthaste_attempts_total") >= 3, 20, "three attempts")
            text = house.get("/metrics")
            self.assertIn('domain="good.test"', text)
            self.check_with_promtool(text)


if __name__ == "__main__":
    unittest.main()
