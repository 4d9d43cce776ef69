"""Stored: one message as a receiver has it, and how a Maildir is read."""
import dataclasses
import pathlib
import re

KNOWN = [f"user{number}" for number in range(100)]  # whoever else is written to, every receiver refuses with a 550


@dataclasses.dataclass
class Stored:
    sender: str
    recipients: list
    tls: str        # the version, by the receiver's own account; "" in plaintext
    content: bytes  # what came over the wire: without what the receiver put on top


def first_field(content):
    """(the first header field with its line end, the rest)"""
    end = re.search(rb"\r\n(?![ \t])", content).end()
    return content[:end], content[end:]


def without_our_received(content):
    """What a submitter handed to Posthaste, from what a receiver got."""
    field, rest = first_field(content)
    assert field.startswith(b"Received: from submitter.test "), content[:500]
    return rest


def parse(file):
    """A file of a Maildir: the receiver's own fields, down to its Received, and then what came over the wire."""
    raw = file.read_bytes()
    assert b"\r" not in raw, "a Maildir has its own line ends"
    content, fields = raw.replace(b"\n", b"\r\n"), {}
    while "Received" not in fields:
        field, content = first_field(content)
        name, value = field.decode().split(":", 1)
        fields[name.title()] = value.strip()
    tls = re.search(r"TLSv?(1\.\d)", fields.get("Tls-Version", fields["Received"]))  # Exim leaves the v out
    recipient = fields.get("Delivered-To") or fields["Envelope-To"].strip("<>")
    return Stored(fields["Return-Path"].strip("<>"), [recipient], f"TLSv{tls.group(1)}" if tls else "", content)


class Maildir:
    def __init__(self, folder):
        self.folder, self.read = pathlib.Path(folder), {}

    def messages(self):
        for file in (self.folder / "new").glob("*"):
            if file not in self.read:
                self.read[file] = parse(file)
        return list(self.read.values())
