"""Haraka: a mail server in JavaScript, with its own plugin for TLS and one of ours that keeps the mail in a Maildir."""
import os
import shutil
import subprocess

from peers import rooms
from peers.server import Server

SMTP = """
listen={address}:{port}
nodes=0
inactivity_timeout=60
"""
KEEP = """
'use strict';
const fs = require('node:fs');
const users = /^user[0-9]+$/, domains = %(domains)s;
let number = 0;
exports.hook_lookup_rdns = (next) => next(OK, 'unknown');
exports.hook_rcpt = (next, connection, [to]) => {
    const known = users.test(to.user) && domains.includes(to.host.toLowerCase());
    return known ? next(OK) : next(DENY, '5.1.1 no such user');
};
exports.hook_queue = (next, connection) => {
    const txn = connection.transaction, kept = [];
    const keep = (left) => {
        if (left.length === 0) {
            for (const name of kept) fs.renameSync('%(mail)s/tmp/' + name, '%(mail)s/new/' + name);
            return next(OK);
        }
        const name = `${++number}`;
        kept.push(name);
        const file = fs.createWriteStream('%(mail)s/tmp/' + name);
        file.write(`Return-Path: <${txn.mail_from.address}>\\nDelivered-To: ${left[0].address}\\n`);
        file.write(`Tls-Version: ${connection.get('tls.cipher.version') || 'none'}\\n`);  // its Received does not say
        file.once('close', () => keep(left.slice(1)));
        txn.message_stream.pipe(file, { line_endings: '\\n' });
    };
    keep(txn.rcpt_to);
};
"""


class Haraka(Server):
    package = name = "haraka"
    opening, closing = " connect ip=", " disconnect ip="
    complaint = r"\[(ERROR|CRIT|ALERT|EMERG)\] \[(?!-)"  # [-]: of no connection

    def configure(self, name, domains, certificate):
        config, plugins = self.folder / "config", self.folder / "plugins"
        config.mkdir()
        plugins.mkdir()
        for folder in "tmp", "new":
            (self.folder / "mail" / folder).mkdir()
        # What it cannot do without; otherwise it is as it comes.
        shutil.copy(rooms.CACHE / "haraka/node_modules/Haraka/config/connection.ini", config)
        if certificate:
            shutil.copy(certificate[0], config / "tls_cert.pem")
            shutil.copy(certificate[1], config / "tls_key.pem")
            # Or it would look for primes of its own, for a minute.
            subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out",
                            config / "dhparams.pem"], check=True, stderr=subprocess.DEVNULL)
        for file, text in (("me", name), ("smtp.ini", SMTP.format(address=self.address, port=self.port)),
                           ("log.ini", "[main]\nlevel=info\ntimestamps=false\n"), ("plugins", "tls\nkeep\n" if certificate else "keep\n")):
            (config / file).write_text(text)
        (plugins / "keep.js").write_text(KEEP % {"domains": list(domains), "mail": self.folder / "mail"})
        return ["node", rooms.CACHE / "haraka" / rooms.PROGRAMS["haraka"], "-c", self.folder]

    def launch(self, words, output):
        """Without a room: it looks at nothing outside its folders, and has no users of its own."""
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, words)], stdin=subprocess.DEVNULL, stdout=output,
                                stderr=subprocess.STDOUT, cwd=self.folder, env={"PATH": os.environ["PATH"], "HOME": str(self.folder)})

    def transactions(self):
        return self.count("] queue code=")

    def connections(self):
        return self.count(self.opening) - self.probes

    def greeted(self):
        return self.count("helo=mta.test ")
