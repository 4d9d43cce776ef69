"""FakeMx: a receiver of our own that can go wrong in every way that a scenario needs. One thread per connection.

Behaviour (all optional):
  greeting   the first line, or "drop", or "silent"
  extensions what EHLO offers besides STARTTLS
  starttls   an ssl.SSLContext, or a fault of tls_faults.py; or "refuse_temporary", "refuse_permanent", "close", "silent",
             "garbage" (offers it and then …), or octets to answer it with
  implicit   begins with the handshake
  door       a Door, where there are many; else it has a thread of its own that accepts
  ehlo, mail, rcpt, data, dot   the reply, or a function of (address or message number) that gives it; "drop" closes the connection,
             "reset" resets it, "silent" says nothing any more, "drop_after" (dot only) takes the message and closes without a reply
"""
import re
import selectors
import socket
import struct
import threading
import time


class Gone(Exception):
    pass


def reset(connection):
    """Its close will be a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection, patience=5):
    """FIN; and the other side may read what was said before, for what it still says is taken."""
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(patience)
        while connection.recv(65536):
            pass
    except OSError:
        pass
    connection.close()


class Session:
    """What one connection looked like from here."""

    def __init__(self):
        self.commands, self.tls, self.mail_in_plaintext, self.transactions = [], None, False, 0
        self.hello, self.handshake, self.resumed, self.mail_under_tls = None, None, None, False
        self.version = self.cipher = None


class Door:
    """One thread that accepts for any number of FakeMx."""

    def __init__(self):
        self.selector, self.lock = selectors.DefaultSelector(), threading.Lock()
        self.wake, self.nudge = socket.socketpair()
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def add(self, mx):
        mx.listener.setblocking(False)
        self.selector.register(mx.listener, selectors.EVENT_READ, mx)
        self.nudge.send(b".")

    def close(self):
        self.nudge.close()
        self.thread.join(5)
        self.selector.close()
        self.wake.close()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    if not self.wake.recv(4096):
                        return
                    continue
                try:
                    connection, _ = key.data.listener.accept()
                except OSError:  # it has gone again, or the listener has
                    continue
                connection.setblocking(True)
                key.data.begin(connection)


class FakeMx:
    def __init__(self, address, port, name, *, greeting=None, extensions=("PIPELINING", "8BITMIME", "SIZE 52428800",
                 "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN"), starttls=None, mail="250 2.1.0 ok", rcpt="250 2.1.5 ok",
                 data="354 go on", dot="250 2.0.0 taken", implicit=False, door=None, ehlo=None):
        self.address, self.port, self.name = address, port, name
        self.greeting = greeting or f"220 {name} ESMTP"
        self.extensions, self.starttls, self.implicit = list(extensions), starttls, implicit
        self.ehlo, self.mail, self.rcpt, self.data, self.dot = ehlo, mail, rcpt, data, dot
        self.messages, self.sessions, self.lock = [], [], threading.Lock()
        self.concurrent = self.concurrent_max = 0
        self.connections = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(128)
        self.thread = None if door else threading.Thread(target=self.accept, daemon=True)
        if door:
            door.add(self)
        else:
            self.thread.start()

    def close(self):
        """After its door, if it has one."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.thread:
            self.thread.join(5)

    def begin(self, connection):
        self.connections.append(connection)
        threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.begin(connection)

    def serve(self, connection):
        session = Session()
        with self.lock:
            self.sessions.append(session)
            self.concurrent += 1
            self.concurrent_max = max(self.concurrent_max, self.concurrent)
        connection.settimeout(60)
        conversation = Conversation(self, session, connection)
        try:
            conversation.run()
        except (OSError, Gone, ValueError):
            pass
        finally:
            with self.lock:
                self.concurrent -= 1
            conversation.connection.close()  # another object than `connection` once TLS is up


class Conversation:
    def __init__(self, mx, session, connection):
        self.mx, self.session, self.connection, self.buffer = mx, session, connection, b""

    def line(self):
        while b"\r\n" not in self.buffer:
            data = self.connection.recv(65536)
            if not data:
                raise Gone
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def say(self, reply, argument=None):
        if callable(reply):
            reply = reply(argument)
        if reply == "drop":
            raise Gone
        if reply == "reset":
            reset(self.connection)
            raise Gone
        if reply == "silent":
            while self.connection.recv(65536):  # until the other side gives up
                pass
            raise Gone
        if isinstance(reply, bytes):
            self.connection.sendall(reply)
            return ""
        self.connection.sendall(reply.encode() + b"\r\n")
        return reply

    def run(self):
        if self.mx.implicit:
            self.handshake()
        if self.mx.greeting in ("drop", "silent", "reset"):
            self.say(self.mx.greeting)
        elif not self.say(self.mx.greeting).startswith("2"):
            self.line()
            raise Gone
        sender, recipients = None, []
        while True:
            line = self.line()
            text = line.decode(errors="replace")
            self.session.commands.append(text)
            verb = text.split(" ")[0].upper()
            if verb in ("EHLO", "HELO"):
                self.hello()
            elif verb == "STARTTLS":
                self.start_tls()
            elif verb == "MAIL":
                self.session.mail_in_plaintext |= self.session.tls is None
                self.session.mail_under_tls |= self.session.tls is not None
                sender = re.search("<(.*?)>", text).group(1) if self.say(self.mx.mail, text).startswith("2") else None
                recipients = []
            elif verb == "RCPT":
                address = re.search("<(.*?)>", text).group(1)
                if self.say(self.mx.rcpt, address).startswith("2"):
                    recipients.append(address)
            elif verb == "DATA":
                if not recipients:
                    self.say("554 5.5.1 no valid recipients")
                elif self.say(self.mx.data, text).startswith("3"):
                    self.content(sender, recipients)
            elif verb == "RSET":
                self.say("250 2.0.0 ok")
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                raise Gone
            else:
                self.say("502 5.5.2 unknown")

    def hello(self):
        if self.mx.ehlo:
            return self.say(self.mx.ehlo)
        offers = list(self.mx.extensions)
        if self.mx.starttls is not None and self.session.tls is None:
            offers.append("STARTTLS")
        lines = [self.mx.name] + offers
        reply = "".join(f"250{'-' if i + 1 < len(lines) else ' '}{line}\r\n" for i, line in enumerate(lines))
        return self.connection.sendall(reply.encode())

    def start_tls(self):
        how = self.mx.starttls
        if how == "refuse_temporary":
            self.say("454 4.7.0 TLS not available")
        elif how == "refuse_permanent":
            self.say("554 5.7.0 no TLS today")
        elif how in ("close", "silent"):
            self.say("drop" if how == "close" else "silent")
        elif isinstance(how, bytes):
            self.say(how)
            if how.startswith(b"220"):
                self.say("silent")
        elif how == "garbage":
            self.say("220 2.0.0 go")
            self.connection.recv(65536)
            self.connection.sendall(b"220 this is no TLS record at all\r\n")
            time.sleep(0.2)
            raise Gone
        else:
            self.say("220 2.0.0 go")
            self.buffer = b""
            self.handshake()

    def handshake(self):
        how = self.mx.starttls
        if hasattr(how, "take"):
            self.connection = how.take(self.connection, self.session)
        else:
            self.connection = how.wrap_socket(self.connection, server_side=True)
        self.mx.connections.append(self.connection)
        self.session.tls = self.connection.version()

    def content(self, sender, recipients):
        lines = []
        while (line := self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        message = {"sender": sender, "recipients": recipients, "tls": self.session.tls,
                   "body": b"".join(line + b"\r\n" for line in lines)}
        self.session.transactions += 1
        number = len(self.mx.messages) + 1
        reply = self.mx.dot(number) if callable(self.mx.dot) else self.mx.dot
        if reply == "drop_after":
            self.mx.messages.append(message)
            raise Gone
        if reply.startswith("2"):
            self.mx.messages.append(message)
        self.say(reply)
