"""A House: the real posthasted with a real DNS server and receivers, in one temporary folder, on loopback only.

Every House has a loopback network of its own (127.X.Y.0/24, drawn from its process id), so that tests run in parallel and
several mail hosts can share the port that delivery.port names.

    with House() as house:
        mx = house.receiver("mx1.good.test", starttls=house.tls())
        house.domain("good.test", ["mx1.good.test"])
        house.start()
        house.submit("a@sender.test", ["b@good.test"])
        house.wait_for(lambda: mx.messages)
"""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import certificates
from fake_mx import FakeMx

BUILD = pathlib.Path(os.environ.get("POSTHASTE_BUILD", pathlib.Path(__file__).parents[2] / "build/dev"))
DAEMON = BUILD / "daemon/posthasted"
TOOL = BUILD / "daemon/posthaste"


PORTS = itertools.count()


def free_port(address="127.0.0.1"):
    """Below what the kernel gives to outgoing connections, and from a range that no other test of this run has: a port that was
    free a moment ago stays so."""
    first, each, ranges = 10_000, 40, 550
    start = first + os.getpid() % ranges * each
    while True:
        port = start + next(PORTS) % each
        with socket.socket() as s:
            try:
                s.bind((address, port))
                return port
            except OSError:
                continue


class Dns:
    """unbound, answering from local data on a port of its own."""

    def __init__(self, folder):
        self.folder, self.port, self.records, self.process = folder, free_port(), [], None
        self.broken = []  # names whose zone answers SERVFAIL

    def add(self, record):
        self.records.append(record)

    def start(self):
        lines = ["server:", " interface: 127.0.0.1", f" port: {self.port}", " do-ip6: no", " num-threads: 1",
                 ' chroot: ""', ' username: ""', ' pidfile: ""', " use-syslog: no",
                 f' logfile: "{self.folder}/unbound.log"', f' directory: "{self.folder}"',
                 " access-control: 127.0.0.0/8 allow", " do-not-query-localhost: no", ' module-config: "iterator"',
                 ' local-zone: "test." static',
                 ' local-data: "test. 60 IN SOA ns.test. root.test. 1 3600 600 86400 60"']
        lines += [f" local-data: '{record}'" for record in self.records]  # so that TXT records can have their quotes
        for name in self.broken:  # an address where nobody answers: unbound says SERVFAIL
            lines.append(f' local-zone: "{name}." transparent')
        lines += [f'stub-zone:\n name: "{name}."\n stub-addr: 127.0.0.1@1' for name in self.broken]
        lines += ["remote-control:", " control-enable: no"]
        path = f"{self.folder}/unbound.conf"
        pathlib.Path(path).write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(["unbound", "-d", "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        probe = bytes.fromhex("123401000001000000000000" "0474657374" "00" "00060001")
        deadline = time.monotonic() + 20
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            while time.monotonic() < deadline:
                try:
                    s.sendto(probe, ("127.0.0.1", self.port))
                    if s.recv(512)[:2] == b"\x124":
                        return
                except OSError:
                    time.sleep(0.02)
        raise AssertionError("unbound did not start: " + pathlib.Path(self.folder, "unbound.log").read_text())

    def stop(self):
        if self.process:
            end_process(self.process)


def end_process(process, patience=30):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class House:
    next_net = 0

    def __init__(self, config=None, plain_listener=True):
        self.folder = tempfile.mkdtemp(prefix="posthaste-")
        pid = os.getpid()
        self.net = f"127.{16 + (pid // 250) % 200}.{pid % 250 + 1 if House.next_net == 0 else (pid + House.next_net * 7) % 250 + 1}"
        House.next_net += 1
        self.hosts = 0
        self.port = free_port()        # delivery.port: of every mail host
        self.submission = free_port()
        self.http = free_port()
        self.socket = f"{self.folder}/admin.sock"
        self.dns = Dns(self.folder)
        self.receivers, self.process, self.log = [], None, None
        self.config = {
            "hostname": "mta.test", "data_dir": f"{self.folder}/data", "workers": 2,
            "listen": [{"address": f"127.0.0.1:{self.submission}", "tls": "none"}],
            "submission": {"trusted": ["127.0.0.0/8"]},
            "dns": {"servers": [f"127.0.0.1:{self.dns.port}"]},
            "delivery": {"port": self.port, "allow_networks": ["127.0.0.0/8"],
                         "timeouts": {"connect": "3s", "greeting": "5s", "ehlo": "5s", "starttls": "3s", "handshake": "3s",
                                      "mail": "5s", "rcpt": "5s", "data": "5s", "block": "5s", "final_dot": "5s", "idle": "1s"}},
            "retry": {"default": {"intervals": ["1h"], "jitter": 0}},
            "queue": {"min_free_space": "16MiB"},
            "admin": {"http": f"127.0.0.1:{self.http}", "socket": self.socket},
            "log": {"level": "debug", "format": "json"},
        }
        merge(self.config, config or {})
        self.dns.add("mta.test. 60 IN A 127.0.0.1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- the pretend Internet -----------------------------------------------------------------------------------
    def address(self):
        self.hosts += 1
        return f"{self.net}.{self.hosts}"

    def host(self, name, address=None):
        address = address or self.address()
        self.dns.add(f"{name}. 60 IN A {address}")
        return address

    def domain(self, name, hosts, preference=10):
        for number, host in enumerate(hosts):
            self.dns.add(f"{name}. 60 IN MX {preference + 10 * number} {host}.")

    def receiver(self, name, **behaviour):
        made = FakeMx(self.host(name), self.port, name, **behaviour)
        self.receivers.append(made)
        return made

    def tls(self, **options):
        return certificates.server_context(self.folder, **options)

    # ---- the daemon ---------------------------------------------------------------------------------------------
    def write_config(self):
        path = f"{self.folder}/posthaste.yaml"
        pathlib.Path(path).write_text(json.dumps(self.config, indent=1))  # JSON is YAML
        return path

    def start(self, wrapper=(), expect_ready=True):
        if self.dns.process is None:
            self.dns.start()
        if self.log:  # of the run before
            self.log.close()
        self.log = open(f"{self.folder}/log", "ab")
        self.wrapped = bool(wrapper)
        self.process = subprocess.Popen([*wrapper, DAEMON, "--config", self.write_config()], stdout=self.log,
                                        stderr=subprocess.STDOUT, env={**os.environ, **getattr(self, "environment", {})})
        if expect_ready:
            self.wait_for(lambda: self.ready(), 60, "readyz")

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"posthasted ended with {self.process.returncode}:\n{self.log_text()}")
        try:
            return self.get("/readyz") is not None
        except OSError:
            return False

    def stop(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        daemons = children.read_text().split() if self.wrapped and children.exists() else []
        for daemon in daemons:  # the wrapper ends when the daemon does; one that became the daemon has none
            os.kill(int(daemon), signal.SIGTERM)
        if daemons:
            self.process.wait(60)
        return end_process(self.process)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        failed = sys.exc_info()[0] is not None
        code = self.stop() if self.process else 0
        self.dns.stop()
        for receiver in self.receivers:
            receiver.close()
        text = self.log_text() if self.log else ""
        if self.log:
            self.log.close()
        if failed or os.environ.get("POSTHASTE_SHOW_LOG"):
            print(text[-20000:], file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        if not failed and self.process and code not in (0, -signal.SIGKILL):
            raise AssertionError(f"posthasted ended with {code}:\n{text[-20000:]}")

    def log_text(self):
        return pathlib.Path(f"{self.folder}/log").read_text(errors="replace")

    def events(self, event=None):
        found = []
        for line in self.log_text().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):  # the last one may be half written
                entry = json.loads(line)
                if event is None or entry.get("event") == event:
                    found.append(entry)
        return found

    # ---- looking at it ------------------------------------------------------------------------------------------
    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=10) as answer:
            return answer.read().decode()

    def local(self, path, method="GET"):
        """What only the Unix socket tells: no tool, no process, for tests that ask a thousand times."""
        connection = http.client.HTTPConnection("posthaste", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.socket)
        with contextlib.closing(connection):
            connection.request(method, path)
            return connection.getresponse().read().decode()

    def metrics(self):
        """{'name{label="x"}': value} of every sample."""
        samples = {}
        for line in self.get("/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def metric(self, family, **labels):
        """The sum of a family's samples that carry these labels."""
        total = 0.0
        for name, value in self.metrics().items():
            if name.split("{")[0] == family and all(f'{key}="{want}"' in name for key, want in labels.items()):
                total += value
        return total

    def tool(self, *arguments, check=True):
        done = subprocess.run([TOOL, "--socket", self.socket, *arguments], capture_output=True, text=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"posthaste {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def trace(self, message_id):
        """What the daemon tells of a message, once that has caught up with the log: outcomes are stored a little later."""
        def settled(entries, key):
            return sum(entry.get(key) in ("delivered", "deferred", "bounced", "expired") for entry in entries)

        logged = settled((entry for entry in self.events() if entry.get("id") == message_id), "event")
        told = None

        def caught_up():
            nonlocal told
            told = json.loads(self.tool("--json", "trace", message_id))
            return settled(told["events"], "kind") >= logged

        self.wait_for(caught_up, 10, f"the history of {message_id}")
        return told

    # ---- using it -----------------------------------------------------------------------------------------------
    def submit(self, sender, recipients, body=b"Subject: hello\r\n\r\nHello.\r\n", **options):
        """By Python's smtplib. Gives the message id."""
        with smtplib.SMTP("127.0.0.1", self.submission, local_hostname="submitter.test", timeout=30) as client:
            client.ehlo()
            client.mail(sender, options.get("mail_options", ()))
            for recipient in recipients:
                code, words = client.rcpt(recipient, options.get("rcpt_options", ()))
                if code != 250:
                    raise smtplib.SMTPRecipientsRefused({recipient: (code, words)})
            code, words = client.data(body)
            if code != 250:
                raise smtplib.SMTPDataError(code, words)
            return words.decode().split()[-1]

    def wait_for(self, condition, seconds=30, what="the condition"):
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {what}")
            time.sleep(0.02)

    def wait_event(self, event, seconds=30, **fields):
        def find():
            for entry in self.events(event):
                if all(entry.get(key) == value for key, value in fields.items()):
                    return entry
            return None
        return self.wait_for(find, seconds, f"log event {event} {fields}")


def merge(into, extra):
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
