"""OpenSMTPD: smtpd(8) in the foreground, with mail.maildir(8)."""
import shutil

from peers.server import Server
from peers.stored import KNOWN

CONFIGURATION = """
{pki}
table users {{ {users} }}
smtp limit max-mails 1000
listen on {address} port {port} hostname {name} {tls}
action "keep" maildir "{folder}/mail" virtual <users>
match from any for domain {{ {domains} }} action "keep"
"""


class OpenSmtpd(Server):
    package = name = "opensmtpd"
    opening, closing = " smtp connected ", " smtp disconnected "
    complaint = r" smtp disconnected reason=(?!quit)"

    def configure(self, name, domains, certificate):
        pki = tls = ""
        if certificate:
            for source, target, mode in zip(certificate, ("certificate", "key"), (0o644, 0o600)):
                shutil.copy(source, self.folder / target)
                (self.folder / target).chmod(mode)
            pki = f'pki {name} cert "{self.folder}/certificate"\npki {name} key "{self.folder}/key"'
            tls = f"tls pki {name}"
        file = self.folder / "smtpd.conf"
        file.write_text(CONFIGURATION.format(
            pki=pki, tls=tls, folder=self.folder, address=self.address, port=self.port, name=name,
            users=", ".join(f'"{user}" = "mailbox"' for user in KNOWN), domains=", ".join(f'"{domain}"' for domain in domains)))
        # -T: every command stands in the log.
        return ["/usr/sbin/smtpd", "-d", "-T", "smtp", "-f", file]

    def transactions(self):
        return self.count(" smtp message ")

    def connections(self):
        return self.count(self.opening) - self.probes

    def greeted(self):
        return self.count(" <<< EHLO ") - self.count(" smtp tls ciphers=")  # another EHLO follows STARTTLS
