"""Server: a mail server in a room, with its folder, its log and its Maildir. All but aiosmtpd are made of it."""
import os
import pathlib
import re
import shutil
import smtplib
import socket
import ssl
import tempfile
import time

from peers import rooms
from peers.stored import Maildir


class Server:
    package = opening = closing = complaint = None  # the last three: words of its log

    def __init__(self, address, port, name, domains, certificate=None):
        # Not below the House: its folder is closed to the users that these servers switch to.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"posthaste-{self.package}-"))
        self.folder.chmod(0o755)
        self.address, self.port, self.process, self.probes = address, port, None, 0
        mail = self.folder / "mail"
        mail.mkdir(mode=0o700)
        os.chown(mail, rooms.MAILBOX_UID, rooms.MAILBOX_UID)
        self.maildir = Maildir(mail)
        try:
            words = self.configure(name, domains, certificate)
            with open(self.folder / "output", "wb") as output:
                self.process = self.launch(words, output)
            self.await_greeting()
        except BaseException:
            self.close()
            raise

    def configure(self, name, domains, certificate):
        """Writes what the server needs and gives the words that start it in the foreground."""
        raise NotImplementedError

    def launch(self, words, output):
        return rooms.start(self.package, self.folder, words, output)

    def await_greeting(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection((self.address, self.port), 2) as probe:
                    probe.settimeout(10)
                    if probe.recv(512).startswith(b"220"):
                        probe.sendall(b"QUIT\r\n")
                        self.probes += 1
                        return
            except OSError:
                time.sleep(0.03)
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.package} did not start:\n{self.log()}")

    def can_tls(self):
        """Whether a client that is not ours gets TLS here."""
        self.probes += 1
        with smtplib.SMTP(self.address, self.port, local_hostname="probe.test", timeout=10) as client:
            try:
                client.starttls()
                return True
            except ssl.SSLError:
                return False

    def log(self):
        return "\n".join(file.read_text(errors="replace") for file in (self.folder / "output", self.folder / "maillog")
                         if file.exists())

    def count(self, words):
        return self.log().count(words)

    def all_closed(self):
        """Whether its log tells the end of every connection."""
        return self.count(self.opening) == self.count(self.closing)

    def complaints(self):
        """What the log says against its clients, but for those whose TLS this server cannot do."""
        return [line for line in self.log().splitlines() if re.search(self.complaint, line) and "SSL routines" not in line]

    def messages(self):
        return self.maildir.messages()

    def close(self):
        if self.process:
            rooms.end(self.process)
        if os.environ.get("POSTHASTE_SHOW_LOG"):
            print(self.log())
        shutil.rmtree(self.folder, ignore_errors=True)
