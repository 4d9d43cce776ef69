"""SignedZone: DNS as DANE needs it. Zones that are really signed, and unsigned ones, served by nsd; in front of it an
unbound that validates. All in one temporary folder and on free loopback ports; no root needed.

    with SignedZone(["good.test"]) as dns:         # "test" around it is there too, and unsigned
        dns.add("mx.good.test. 60 IN A 127.0.0.1")
        dns.add("_25._tcp.mx.good.test. 60 IN TLSA 3 1 1 " + digest)
        dns.start()
        dns.resolver                               # "127.0.0.1:54321": its AD bit can be believed
        dns.replace("_25._tcp.mx.good.test", "TLSA", ["3 1 1 " + other])   # at once; the resolver has forgotten the old ones
        dns.break_signatures("_25._tcp.mx.good.test")                      # SERVFAIL for that name; the others stay as they are
        dns.mend_signatures()

It can stand in for a House's own DNS (see join()). Posthaste keeps an answer for its TTL, but for 5 seconds at least.
"""
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from house import end_process, free_port

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "DNSKEY": 48, "TLSA": 52}
PATIENCE = 20  # seconds for a daemon to start, or to take a changed zone


class Reply:
    """What a server said: rcode, ad (it validated), truncated, answers (records, CNAMEs among them), octets."""

    def __init__(self, octets):
        _, flags, _, self.answers, _, _ = struct.unpack("!6H", octets[:12])
        self.rcode, self.ad, self.truncated = flags & 15, bool(flags & 0x20), bool(flags & 0x200)
        self.octets = octets


def query(port, name, record_type, timeout=5):
    """Asks 127.0.0.1:port by UDP, with AD set as Posthaste does."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    packet = struct.pack("!6H", 0x1234, 0x0120, 1, 0, 0, 1) + labels + b"\0" + struct.pack("!2H", TYPES[record_type], 1)
    packet += b"\0" + struct.pack("!2HIH", 41, 1232, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(("127.0.0.1", port))
        s.send(packet)
        return Reply(s.recv(65535))


def within(name, zone):
    return name == zone or name.endswith("." + zone)


class SignedZone:
    def __init__(self, signed, unsigned=("test",), folder=None):
        """`signed`, `unsigned`: names of zones. A record belongs to the longest one that its name is in."""
        self.folder = tempfile.mkdtemp(prefix="posthaste-dns-", dir=folder)
        self.signed, self.zones = list(signed), sorted([*signed, *unsigned], key=len, reverse=True)
        self.records = []   # (owner without its last dot, TTL, type, data)
        self.broken = []    # (owner or what is below it, type or None)
        self.keys, self.serial = {}, 0
        self.nsd_port, self.port = free_port(), free_port()
        self.resolver = f"127.0.0.1:{self.port}"
        self.nsd = self.process = None  # process: unbound's, as House wants it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def join(self, house):
        """Becomes the DNS of a House that has not been started; it is stopped with it."""
        for record in house.dns.records:
            self.add(record)
        house.dns = self
        house.config["dns"]["servers"] = [self.resolver]
        return self

    # ---- records ------------------------------------------------------------------------------------------------
    def add(self, record):
        """As in a zone file: "mx.good.test. 60 IN A 127.0.0.1". Once started, call publish() after the last one."""
        owner, ttl, cls, record_type, data = record.split(None, 4)
        assert cls == "IN" and owner.endswith("."), record
        self.records.append((owner.rstrip(".").lower(), ttl, record_type, data))

    def replace(self, name, record_type, data, ttl=5):
        """What is there from now on: a list of data, perhaps empty."""
        self.records = [record for record in self.records if (record[0], record[2]) != (name, record_type)]
        self.records += [(name, str(ttl), record_type, each) for each in data]
        self.publish()

    def break_signatures(self, name, record_type=None):
        """Makes bogus what is at or below `name` (all, or one type). The name of a zone: the whole of it, its keys included."""
        self.broken.append((name, record_type))
        self.publish()

    def mend_signatures(self):
        self.broken = []
        self.publish()

    # ---- zone files ---------------------------------------------------------------------------------------------
    def run(self, *command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def zone_of(self, owner):
        for zone in self.zones:
            if within(owner, zone):
                return zone
        raise AssertionError(f"{owner} is in no zone of {self.zones}")

    def write_zones(self):
        self.serial += 1
        texts = {zone: [f"{zone}. 60 IN SOA ns.{zone}. root.{zone}. {self.serial} 3600 600 86400 5",
                        f"{zone}. 60 IN NS ns.{zone}.", f"ns.{zone}. 60 IN A 127.0.0.1"] for zone in self.zones}
        for owner, ttl, record_type, data in self.records:
            texts[self.zone_of(owner)].append(f"{owner}. {ttl} IN {record_type} {data}")
        for zone, lines in texts.items():
            unsigned, served = (pathlib.Path(self.folder, f"{zone}.{kind}") for kind in ("unsigned", "zone"))
            unsigned.write_text("\n".join(lines) + "\n")
            if zone in self.signed:
                self.run("ldns-signzone", "-f", f"{zone}.signed", unsigned.name, self.key_of(zone))
                text = pathlib.Path(self.folder, f"{zone}.signed").read_text()
                unsigned.write_text("".join(self.perhaps_broken(line) for line in text.splitlines(keepends=True)))
            unsigned.rename(served)

    def key_of(self, zone):
        if zone not in self.keys:
            self.keys[zone] = self.run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
        return self.keys[zone]

    def perhaps_broken(self, line):
        fields = line.split()
        if len(fields) < 5 or fields[3] != "RRSIG":
            return line
        owner = fields[0].rstrip(".").lower()
        if not any(within(owner, name) and wanted in (None, fields[4]) for name, wanted in self.broken):
            return line
        fields[-1] = ("B" if fields[-1][0] == "A" else "A") + fields[-1][1:]  # of the signature's base64
        return " ".join(fields) + "\n"

    # ---- the daemons --------------------------------------------------------------------------------------------
    def start(self):
        self.write_zones()
        self.nsd = self.spawn("nsd", self.nsd_config())
        self.wait_for_serial(self.nsd, self.nsd_port)
        self.process = self.spawn("unbound", self.unbound_config())
        self.wait_for_serial(self.process, self.port)

    def spawn(self, program, config):
        path = pathlib.Path(self.folder, f"{program}.conf")
        path.write_text("\n".join(config) + "\n")
        with open(f"{self.folder}/{program}.log", "ab") as log:
            return subprocess.Popen([program, "-d", "-c", path], stdout=log, stderr=log)

    def nsd_config(self):
        lines = ["server:", f" ip-address: 127.0.0.1@{self.nsd_port}", ' username: ""', f" zonesdir: {self.folder}",
                 ' database: ""', ' pidfile: ""', f" zonelistfile: {self.folder}/zone.list", ' xfrdfile: ""',
                 " server-count: 1", " rrl-ratelimit: 0", "remote-control:", " control-enable: no"]
        for zone in self.zones:
            lines += ["zone:", f" name: {zone}", f" zonefile: {zone}.zone"]
        return lines

    def unbound_config(self):
        lines = ["server:", " interface: 127.0.0.1", f" port: {self.port}", " do-ip6: no", " num-threads: 1", ' chroot: ""',
                 ' username: ""', ' pidfile: ""', " use-syslog: no", ' logfile: ""', f' directory: "{self.folder}"',
                 " access-control: 127.0.0.0/8 allow", " do-not-query-localhost: no", ' module-config: "validator iterator"']
        lines += [f' local-zone: "{zone}." nodefault' for zone in self.zones]
        lines += [f' trust-anchor-file: "{self.folder}/{self.keys[zone]}.key"' for zone in self.signed]
        for zone in self.zones:
            lines += ["stub-zone:", f" name: {zone}", f" stub-addr: 127.0.0.1@{self.nsd_port}"]
        return lines + ["remote-control:", " control-enable: yes", " control-use-cert: no",
                        f' control-interface: "{self.folder}/unbound.sock"']

    def publish(self):
        """Signs and serves the records as they are now; the resolver forgets what it knew. Before start(): nothing."""
        if self.process is None:
            return
        self.write_zones()
        self.wait_for_serial(self.nsd, self.nsd_port, lambda: self.nsd.send_signal(signal.SIGHUP))
        for what in ("flush_zone", "."), ("flush_bogus",), ("flush_negative",):
            self.run("unbound-control", "-c", "unbound.conf", *what)

    def wait_for_serial(self, daemon, port, nudge=lambda: None):
        """Until every zone is served as it was written last."""
        want = struct.pack("!5I", self.serial, 3600, 600, 86400, 5)
        deadline, nudge_at = time.monotonic() + PATIENCE, 0.0
        for zone in self.zones:
            while not self.served(port, zone, want):
                if time.monotonic() > deadline or daemon.poll() is not None:
                    raise AssertionError(f"{zone} is not served:\n" + self.logs())
                if time.monotonic() > nudge_at:  # again, if it came too early to see the new file
                    nudge()
                    nudge_at = time.monotonic() + 1
                time.sleep(0.02)

    def served(self, port, zone, serial):
        try:
            reply = query(port, zone, "SOA", timeout=0.5)
        except OSError:
            return False
        return serial in reply.octets or (port == self.port and reply.rcode == 2 and bool(self.broken))

    def logs(self):
        return "".join(path.read_text(errors="replace") for path in pathlib.Path(self.folder).glob("*.log"))

    def stop(self):
        for daemon in self.process, self.nsd:
            if daemon:
                end_process(daemon)
        shutil.rmtree(self.folder, ignore_errors=True)
