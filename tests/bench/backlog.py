"""What script/bench backlog prints: the same daemon with more and more mail in its queue, up to --recipients. At every power of ten: what
an accepted and delivered message costs, and the memory. Then a restart: when it takes mail, when it delivers new and old mail, when
the whole schedule is back. Then everything falls due at once and drains: the rate, and the disk space that is given back. With --check it
fails when a message was lost or came twice or the daemon took more than a GiB of memory; with --check-times also when a restart took
longer than is promised.

The backlog is mail that is submitted with HOLDUNTIL (RFC 4865): accepted, stored, and due when all of that has been measured."""
import argparse
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "scenario"))
from bench import cpu_seconds, peak_mib  # noqa: E402
from house import BUILD, House, end_process  # noqa: E402

PROBE = 20_000  # messages that go right through, at each depth
OLD = 100       # that fall due while the daemon is down, each to a domain of its own: anywhere in what a start reads
OLD_DUE = 20    # seconds
STALLED = 300   # seconds without a further PROBE messages: what is still missing will not come
MEMORY_MAX = 1024  # MiB
PROMISED = {"new mail accepted": 5, "first old mail delivered": 5, "whole schedule rebuilt": 60}  # seconds after a start


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0


def disk_mib(folder):
    """What the files take, not how long they are: a log is allocated ahead of what is in it."""
    return sum(path.stat().st_blocks * 512 for path in pathlib.Path(folder).rglob("*") if path.is_file()) / 2**20


class Backlog:
    """`number` messages were submitted to the sink's domains so far, `held` of them to be held."""

    def __init__(self, house, options):
        self.house, self.options, self.number, self.held = house, options, 0, 0
        self.due = time.time() + options.hold
        address = house.host("mx.bench.test")
        house.dns.add("sender.bench. 60 IN MX 10 mx.bench.test.")
        for number in range(options.domains):
            house.dns.add(f"d{number}.bench. 60 IN MX 10 mx.bench.test.")
        self.old, self.new = house.receiver("mx.old.test"), house.receiver("mx.new.test")
        for number in range(OLD):
            house.domain(f"old{number}.test", ["mx.old.test"])
        house.domain("new.test", ["mx.new.test"])
        depths = self.depths()
        everything = options.recipients + PROBE * len(depths)
        self.sink = subprocess.Popen([BUILD / "tests/bench/bench_sink", f"{address}:{house.port}", str(everything), str(PROBE)],
                                     stdout=subprocess.PIPE, text=True)
        self.lines = queue.SimpleQueue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.sink.stdout], daemon=True).start()
        self.delivered, self.peak, self.broken = 0, 0.0, []

    def depths(self):
        found, depth = [], 1_000
        while depth < self.options.recipients:
            found.append(depth)
            depth *= 10
        return [*found, self.options.recipients]

    def load(self, count, parameters=""):
        command = [BUILD / "tests/bench/bench_load", f"127.0.0.1:{self.house.submission}", str(count),
                   str(self.options.connections), str(self.options.domains), str(self.options.body_bytes), str(self.number)]
        done = subprocess.run([*command, parameters] if parameters else command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"bench_load: {done.stdout} {done.stderr}")
        self.number += count
        return json.loads(done.stdout)["seconds"]

    def note_peak(self):
        self.peak = max(self.peak, peak_mib(self.house.process.pid))
        return self.peak

    def next_line(self):
        """The sink says so whenever PROBE messages more have come: nobody asks the daemon while it is measured."""
        try:
            line = self.lines.get(timeout=STALLED)
        except queue.Empty:
            raise AssertionError(f"{self.number - self.delivered:,} messages or somewhat less have not come for {STALLED} s") from None
        if not line.startswith("{"):
            self.delivered = int(line)
        return line

    def fill_to(self, depth):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.due))
        while self.held < depth:
            count = min(depth - self.held, 200_000)
            self.load(count, f"HOLDUNTIL={until}")
            self.held += count
            if time.time() > self.due - OLD_DUE:
                raise SystemExit(f"filling takes too long on this machine: give it more than --hold {self.options.hold}")
            if sys.stderr.isatty():
                print(f"\r  filling: {self.held:,} of {depth:,} ", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)

    def probe(self):
        pid = self.house.process.pid
        time.sleep(1)
        before, began = cpu_seconds(pid), time.monotonic()
        self.load(PROBE)
        self.next_line()
        seconds = time.monotonic() - began
        time.sleep(0.2)  # outcomes are stored within 50 ms: their cost belongs to it
        after = cpu_seconds(pid)
        cpu = (sum(after) - sum(before)) / PROBE * 1e6
        print(f"  {self.held:12,}   {PROBE / seconds:11,.0f}   {cpu:10.1f}   {rss_mib(pid):8,.0f}   {self.note_peak():8,.0f}   "
              f"{disk_mib(self.house.config['data_dir']):8,.0f}", flush=True)

    def restart(self):
        house = self.house
        for number in range(OLD):
            house.submit("a@sender.bench", [f"u@old{number}.test"], mail_options=[f"HOLDFOR={OLD_DUE}"])
        due = time.monotonic() + OLD_DUE
        began = time.monotonic()
        house.stop()
        stopped = time.monotonic() - began
        time.sleep(max(0.0, due + 1 - time.monotonic()))
        began = time.monotonic()
        house.start()
        times = {"ready to take mail": time.monotonic() - began}
        house.submit("a@sender.bench", ["u@new.test"])
        times["new mail accepted"] = time.monotonic() - began
        house.wait_for(lambda: self.new.messages, 120, "new mail")
        times["new mail delivered"] = time.monotonic() - began
        house.wait_for(lambda: self.old.messages, 600, "old mail")
        times["first old mail delivered"] = time.monotonic() - began
        house.wait_for(lambda: len(self.old.messages) == OLD, 600, "all old mail")
        times["last old mail delivered"] = time.monotonic() - began
        house.wait_for(lambda: json.loads(house.local("/v1/status"))["store"]["gained"], 600, "the schedule")
        times["whole schedule rebuilt"] = time.monotonic() - began
        print(f"\nrestart with {self.held:,} in the queue (seconds after the start; the stop took {stopped:.1f}):")
        for what, seconds in times.items():
            print(f"  {what:<26} {seconds:6.2f}")
            if self.options.check_times and seconds > PROMISED.get(what, seconds):
                self.broken.append(f"{what} after {seconds:.1f} s: {PROMISED[what]} s were promised")
        self.note_peak()
        print(f"  memory after it: {rss_mib(house.process.pid):,.0f} MiB, peak {peak_mib(house.process.pid):,.0f} MiB", flush=True)

    def drain(self):
        house = self.house
        folder = house.config["data_dir"]
        time.sleep(max(0.0, self.due - time.time()))
        before, began = disk_mib(folder), time.monotonic()
        cpu = sum(cpu_seconds(house.process.pid))
        received = self.wait_for_all()
        seconds = time.monotonic() - began
        cpu = (sum(cpu_seconds(house.process.pid)) - cpu) / self.held * 1e6
        print(f"\neverything due at once: {self.held:,} delivered in {seconds:.0f} s, {self.held / seconds:,.0f}/s, {cpu:.0f} us of CPU each; "
              f"second copies: {received['duplicates']}; peak {self.note_peak():,.0f} MiB\n"
              f"since the beginning, {self.number / received['connections']:.0f} messages to a connection", flush=True)
        if received["duplicates"]:
            self.broken.append(f"{received['duplicates']} second copies")
        # Compaction gives it back when it gets to it.
        deadline = time.monotonic() + self.options.settle
        while disk_mib(folder) > max(256, before / 20) and time.monotonic() < deadline:
            time.sleep(1)
        print(f"disk: {before:,.0f} MiB before, {disk_mib(folder):,.0f} MiB {time.monotonic() - began - seconds:.0f} s after; "
              f"memory {rss_mib(house.process.pid):,.0f} MiB")

    def wait_for_all(self):
        while True:
            line = self.next_line()
            if line.startswith("{"):
                return json.loads(line)
            if sys.stderr.isatty():
                print(f"\r  draining: {self.number - self.delivered:,} left ", end="", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--domains", type=int, default=500)
    parser.add_argument("--body-bytes", type=int, default=1024)
    parser.add_argument("--hold", type=int, help="seconds until the backlog falls due; default: what filling may take")
    parser.add_argument("--settle", type=int, default=660,
                        help="seconds that the disk space is given to come back: the daemon looks every ten minutes")
    parser.add_argument("--data-dir", help="default: in the temporary folder, which 10 million need 15 GiB of")
    parser.add_argument("--check", action="store_true", help="fail when mail or memory is not as promised")
    parser.add_argument("--check-times", action="store_true", help="fail when a restart takes longer than promised")
    options = parser.parse_args()
    options.hold = options.hold or 90 + options.recipients // 4000
    with House({"log": {"level": "warning"}, "tls": {"default": {"level": "none"}}}) as house:
        if options.data_dir:
            house.config["data_dir"] = options.data_dir
        house.config["workers"] = os.cpu_count()
        backlog = Backlog(house, options)
        try:
            house.start()
            print(f"messages of {options.body_bytes} bytes to {options.domains} domains; at each depth {PROBE:,} go right through\n")
            print("     in queue   delivered/s   CPU us/msg   RSS MiB   peak MiB   disk MiB")
            for depth in backlog.depths():
                backlog.fill_to(depth)
                backlog.probe()
            backlog.restart()
            backlog.drain()
            if backlog.peak > MEMORY_MAX:
                backlog.broken.append(f"{backlog.peak:,.0f} MiB of memory: {MEMORY_MAX:,} MiB were promised")
        finally:
            end_process(backlog.sink)
            if options.data_dir:
                shutil.rmtree(options.data_dir, ignore_errors=True)
    for words in backlog.broken:
        print(f"broken promise: {words}", file=sys.stderr)
    return 1 if backlog.broken and (options.check or options.check_times) else 0


if __name__ == "__main__":
    sys.exit(main())
