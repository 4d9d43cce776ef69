"""Postfix: master(8), smtpd(8) and virtual(8) with a configuration and a queue of their own."""
import os
import pathlib
import re

from peers import rooms
from peers.server import Server

MAIN = """
compatibility_level = 3.6
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = {folder}/conf
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = {name}
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
local_header_rewrite_clients =
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = regexp:{folder}/conf/mailboxes
virtual_mailbox_base = {folder}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
"""
TLS = """
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate[0]}
smtpd_tls_key_file = {certificate[1]}
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
"""
MASTER = """
{address}:{port} inet n - n - - smtpd
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
proxymap  unix  - - n -     - proxymap
virtual   unix  - n n -     - virtual
error     unix  - - n -     - error
retry     unix  - - n -     - error
anvil     unix  - - n -     1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
UID = rooms.USERS["postfix"][0]


class Postfix(Server):
    package = name = "postfix"
    opening, closing = ": connect from ", ": disconnect from "
    complaint = r"lost connection|timeout after|improper command|SSL_accept error|warning: non-SMTP"

    def configure(self, name, domains, certificate):
        self.make_queue()
        conf = self.folder / "conf"
        conf.mkdir()
        values = {"folder": self.folder, "name": name, "address": self.address, "port": self.port, "uid": rooms.MAILBOX_UID,
                  "domains": " ".join(domains), "certificate": certificate}
        (conf / "main.cf").write_text((MAIN + (TLS if certificate else "")).format(**values))
        (conf / "master.cf").write_text(MASTER.format(**values))
        (conf / "mailboxes").write_text("/^user[0-9]+@/ mail/\n")
        return ["/usr/lib/postfix/sbin/master", "-s", "-c", conf]

    def make_queue(self):
        """As post-install(1) makes it, which takes a second."""
        for folder in [pathlib.Path("data"), *(pathlib.Path("queue", queue) for queue in QUEUES)]:
            self.owned(folder, 0o700)
        self.owned("queue/public", 0o710)
        self.owned("queue/maildrop", 0o730)
        (self.folder / "queue/pid").mkdir()

    def owned(self, folder, mode):
        path = self.folder / folder
        path.mkdir(parents=True)
        path.chmod(mode)
        os.chown(path, UID, rooms.USERS["postdrop"][1])

    def transactions(self):
        return self.count(": client=")

    def connections(self):
        return self.count(self.opening) - self.probes

    def greeted(self):
        return len(re.findall(r": disconnect from .* ehlo=", self.log()))
