"""Mail from clients that we did not write, over each way in: what they hand over arrives octet by octet.

swaks, curl and Python's smtplib; and, where peers/rooms.py can run them, OpenSMTPD's smtp(1) and Postfix's smtp-source(1).
"""
import email.message
import email.policy
import itertools
import pathlib
import smtplib
import ssl
import subprocess
import tempfile
import unittest

import certificates
from house import House, free_port
from peers import rooms
from peers.stored import first_field

HEADER = "From: <a@sender.test>\r\nTo: <b@keep.test>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{0}@sender.test>\r\n"
BODY = ("Subject: Gr\u00fc\u00dfe\r\nX-Folded: one\r\n two\r\n\r\n.\r\n..\r\n.dot \u4f60\u597d\r\nFrom here\r\n"
        + "x" * 900 + "\r\n\r\nlast\r\n").encode()
WAYS = ("none", "starttls", "implicit")


class TakesFromClients(unittest.TestCase):
    numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        cls.house = house = House()
        try:
            certificate, key = certificates.make(house.folder, "mta.test")
            cls.ports = {"none": house.submission, "starttls": free_port(), "implicit": free_port()}
            house.config["listen"] += [{"address": f"127.0.0.1:{cls.ports[way]}", "tls": way} for way in WAYS[1:]]
            house.config["submission"].update({"certificate": certificate, "private_key": key})
            cls.certificate, cls.mx = certificate, house.receiver("mx.keep.test")
            house.domain("keep.test", ["mx.keep.test"])
            house.start()
        except BaseException:
            house.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.house.close()

    def content(self):
        return HEADER.format(f"client-{next(self.numbers)}").encode() + BODY

    def arrived(self, recipient):
        return [message for message in list(self.mx.messages) if recipient in message["recipients"]]

    def check_arrives(self, recipient, content, way):
        """Once, whole, and with a Received field that says how it came."""
        self.house.wait_for(lambda: self.arrived(recipient), 30, f"the message to {recipient}")
        messages = self.arrived(recipient)
        self.assertEqual(len(messages), 1)
        received, rest = first_field(messages[0]["body"])
        self.assertRegex(received, b" with (UTF8SMTP|ESMTP)S " if way != "none" else b" with (UTF8SMTP|ESMTP) ")
        self.assertEqual(rest, content)
        self.assertEqual(messages[0]["sender"], "a@sender.test")

    def execute(self, words, content=None):
        done = subprocess.run([str(word) for word in words], input=content, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr).decode(errors="replace"))

    def each_way(self, client, send):
        for way in WAYS:
            with self.subTest(way=way), tempfile.NamedTemporaryFile() as file:
                content, recipient = self.content(), f"{client}-{way}@keep.test"
                file.write(content)
                file.flush()
                send(way, recipient, content, file.name)
                self.check_arrives(recipient, content, way)

    def test_swaks(self):
        def send(way, recipient, content, file):
            pathlib.Path(file).write_bytes(content[:-2])  # swaks adds a line end of its own
            options = {"none": ["--pipeline"], "starttls": ["-tls"], "implicit": ["-tlsc"]}[way]
            self.execute(["swaks", "--server", f"127.0.0.1:{self.ports[way]}", "--from", "a@sender.test", "--to", recipient,
                          "--helo", "submitter.test", "--data", f"@{file}", "--suppress-data", *options])
        self.each_way("swaks", send)

    def test_curl(self):
        def send(way, recipient, _content, file):
            scheme = "smtps" if way == "implicit" else "smtp"
            tls = [] if way == "none" else ["--ssl-reqd", "--cacert", self.certificate]
            self.execute(["curl", "--silent", "--show-error", "--resolve", f"mta.test:{self.ports[way]}:127.0.0.1", *tls,
                          "--mail-from", "a@sender.test", "--mail-rcpt", recipient, "--upload-file", file,
                          f"{scheme}://mta.test:{self.ports[way]}/submitter.test"])
        self.each_way("curl", send)

    def test_smtplib(self):
        def send(way, recipient, content, _file):
            with self.smtplib_client(way) as client:
                self.assertEqual(client.sendmail("a@sender.test", [recipient], content, ["BODY=8BITMIME"]), {})
        self.each_way("smtplib", send)

    def smtplib_client(self, way):
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = False  # it connects to an address
        if way == "implicit":
            return smtplib.SMTP_SSL("127.0.0.1", self.ports[way], local_hostname="submitter.test", context=context)
        client = smtplib.SMTP("127.0.0.1", self.ports[way], local_hostname="submitter.test")
        if way == "starttls":
            client.starttls(context=context)
        return client

    def test_smtplib_sends_an_email_message_with_utf8_addresses(self):
        message = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
        message["From"], message["To"], message["Subject"] = "a@sender.test", "b\u00fccher@keep.test", "Gr\u00fc\u00dfe"
        message.set_content("\u4f60\u597d\n")
        with self.smtplib_client("starttls") as client:
            self.assertEqual(client.send_message(message), {})
        self.check_arrives("b\u00fccher@keep.test", message.as_bytes(policy=email.policy.SMTPUTF8), "starttls")

    def test_smtplib_sends_many_messages_over_one_connection(self):
        with self.smtplib_client("starttls") as client:
            sent = {f"many-{n}@keep.test": self.content() for n in range(100)}
            for recipient, content in sent.items():
                client.sendmail("a@sender.test", [recipient], content)
        for recipient, content in sent.items():
            self.check_arrives(recipient, content, "starttls")

    # ---- clients from packages that are unpacked, not installed -------------------------------------------------
    def in_a_room(self, package, words, content=None):
        reason = rooms.why_not(package)
        if reason:
            self.skipTest(reason)
        with tempfile.TemporaryDirectory(prefix="posthaste-") as folder:
            pathlib.Path(folder).chmod(0o755)
            self.execute(rooms.command(package, folder, words), content)

    def test_smtp_of_opensmtpd(self):
        def send(way, recipient, content, _file):
            scheme = {"none": "smtp+notls", "starttls": "smtp+tls", "implicit": "smtps"}[way]
            self.in_a_room("opensmtpd", ["smtp", "-C", "-H", "submitter.test", "-F", "a@sender.test",
                                         "-s", f"{scheme}://127.0.0.1:{self.ports[way]}", recipient], content.replace(b"\r\n", b"\n"))
        self.each_way("opensmtpd", send)

    def test_smtp_source_of_postfix_with_twenty_sessions_at_once(self):
        self.in_a_room("postfix", ["smtp-source", "-s", "20", "-m", "200", "-l", "4096", "-M", "submitter.test",
                                   "-f", "a@sender.test", "-t", "source@keep.test", f"127.0.0.1:{self.ports['none']}"])
        self.house.wait_for(lambda: len(self.arrived("source@keep.test")) >= 200, 30, "all of them")
        bodies = {first_field(message["body"])[1].split(b"\r\n\r\n", 1)[1] for message in self.arrived("source@keep.test")}
        self.assertEqual(len(self.arrived("source@keep.test")), 200)
        self.assertEqual(len(bodies), 1, "every one has the same body")
        self.assertGreaterEqual(len(bodies.pop()), 3900)


if __name__ == "__main__":
    unittest.main()
