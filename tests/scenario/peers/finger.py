"""posttls-finger(1): Postfix's own look at the TLS of a host, for ours to be held against."""
import dataclasses
import pathlib
import re
import subprocess
import tempfile

from peers import rooms

PACKAGE = "postfix"
# "Verified TLS connection established to 127.0.0.1[127.0.0.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) …"
FAILED = re.compile(r"certificate verification failed for \S+ (?:num=\d+:)?(untrusted issuer|.*)")
ESTABLISHED = re.compile(r": (\w+) TLS connection established to \S+: (\S+) with cipher (\S+) ")


@dataclasses.dataclass(frozen=True)
class Finger:
    trust: str  # "Verified", "Untrusted"; "" without a session
    version: str
    cipher: str
    wrong: str  # with the certificate: "untrusted issuer", "hostname mismatch"; "": nothing
    words: str


def look(address, port, name, ca_file, level="verify"):
    """`name`: what the certificate must bear."""
    with tempfile.TemporaryDirectory(prefix="posthaste-finger-") as folder:
        pathlib.Path(folder).chmod(0o755)
        pathlib.Path(folder, "main.cf").write_text("compatibility_level = 3.6\nmaillog_file_prefixes = /dev\n")
        words = ["env", f"MAIL_CONFIG={folder}", "posttls-finger", "-c", "-l", level, "-F", ca_file, "-L", "summary,untrusted,certmatch",
                 f"[{address}]:{port}", name]
        done = subprocess.run(rooms.command(PACKAGE, folder, words), capture_output=True, text=True, timeout=60)
    told = done.stdout + done.stderr
    found, failed = ESTABLISHED.search(told), FAILED.search(told)
    return Finger(*(found.groups() if found else ("", "", "")), failed.group(1) if failed else "", told)
