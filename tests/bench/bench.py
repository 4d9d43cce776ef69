"""What script/bench prints: messages accepted and delivered per second, CPU and system calls per message, of posthasted against
this project's own sink, on loopback. One run with nothing attached, one shorter run under strace for the system calls.

Figures of one machine say little by themselves: compare runs made side by side."""
import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "scenario"))
from house import BUILD, House, end_process  # noqa: E402
from stalled import StallingHost  # noqa: E402

STALLED_RULE = {"match": "*.stalled.bench", "level": "encrypt", "ladder": ["modern"]}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick  # user, system


def peak_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0


def stall(house, host, count):
    """One message to each of `count` domains whose host stalls in the handshake, and of ten that DNS never answers for; until
    all of them are waiting."""
    for number in range(count):
        house.submit("a@sender.bench", [f"u@d{number}.stalled.bench"])
    for number in range(10):
        house.submit("a@sender.bench", [f"u@d.silent{number}"])
    house.wait_for(lambda: host.stalled == count, what="all hosts stalling")


def run(options, count, strace=None, stalled=0):
    tls = {"default": {"level": "none"}, "domains": [STALLED_RULE]}
    with House({"log": {"level": options.log_level}, "tls": tls}) as house:
        house.config["delivery"]["timeouts"]["handshake"] = "10m"  # longer than any run
        if options.workers:
            house.config["workers"] = options.workers
        address = house.host("mx.bench.test")
        house.dns.add("sender.bench. 60 IN MX 10 mx.bench.test.")
        for number in range(options.domains):
            house.dns.add(f"d{number}.bench. 60 IN MX 10 mx.bench.test.")
        stall_address = house.host("mx.stalled.bench")
        for number in range(stalled):
            house.dns.add(f"d{number}.stalled.bench. 60 IN MX 10 mx.stalled.bench.")
        house.dns.broken += [f"silent{number}" for number in range(10 if stalled else 0)]
        host = StallingHost(stall_address, house.port)
        sink = subprocess.Popen([BUILD / "tests/bench/bench_sink", f"{address}:{house.port}", str(count)],
                                stdout=subprocess.PIPE, text=True)
        try:
            house.start(wrapper=strace or ())
            if stalled:
                stall(house, host, stalled)
            daemon = house.process.pid
            before, began = cpu_seconds(daemon), time.monotonic()
            load = subprocess.run([BUILD / "tests/bench/bench_load", f"127.0.0.1:{house.submission}", str(count),
                                   str(options.connections), str(options.domains), str(options.body_bytes)],
                                  capture_output=True, text=True, timeout=options.timeout)
            if load.returncode != 0:
                raise AssertionError(f"bench_load: {load.stdout} {load.stderr}")
            received = json.loads(sink.communicate(timeout=options.timeout)[0])
            seconds = time.monotonic() - began
            time.sleep(0.2)  # outcomes are stored within 50 ms: their cost belongs to the run
            after = cpu_seconds(daemon)
            if stalled and host.stalled != stalled:
                raise AssertionError("a stalled host did not stall to the end")
            return {"accepted_per_s": count / json.loads(load.stdout)["seconds"], "delivered_per_s": received["unique"] / seconds,
                    "user_us": (after[0] - before[0]) / count * 1e6, "system_us": (after[1] - before[1]) / count * 1e6,
                    "peak_mib": peak_mib(daemon), **received}
        finally:
            end_process(sink)
            host.close()


def system_calls(options, count):
    """Per message, by name, from strace's summary of everything from start to stop."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        summary = f"{folder}/calls"
        run(options, count, strace=["strace", "-f", "-c", "-S", "calls", "-U", "name,calls", "-o", summary])
        calls = collections.Counter()
        for line in pathlib.Path(summary).read_text().splitlines():
            words = line.split()
            if len(words) == 2 and words[1].isdigit() and words[0] != "total":
                calls[words[0]] = int(words[1]) / count
        return calls


def show(r):
    print(f"  {r['accepted_per_s']:10.0f}  {r['delivered_per_s']:11.0f}   {r['user_us'] + r['system_us']:10.1f} ({r['user_us']:.1f} + {r['system_us']:.1f})"
          f"   {r['peak_mib']:8.0f}   {r['connections']:11}   {r['duplicates']:10}", flush=True)


def compare_stalled(options):
    """Runs with and without stalled hosts in turn; only their ratio means something on a machine that others use too."""
    rates = {0: [], options.stalled: []}
    for _ in range(options.runs):
        for stalled in rates:
            result = run(options, options.count, stalled=stalled)
            rates[stalled].append(result["delivered_per_s"])
            show(result)
    without, beside = (statistics.median(rates[stalled]) for stalled in (0, options.stalled))
    print(f"\nmedians: {without:.0f}/s alone, {beside:.0f}/s beside {options.stalled} connections that stall in the handshake and 10 domains "
          f"without DNS: {beside / without:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--domains", type=int, default=500)
    parser.add_argument("--body-bytes", type=int, default=4096)
    parser.add_argument("--workers", type=int, help="default: one per core")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--no-strace", action="store_true")
    parser.add_argument("--stalled", type=int, metavar="N", help="compare with N hosts that stall in the TLS handshake")
    options = parser.parse_args()
    if not options.workers:
        options.workers = os.cpu_count()
    print(f"{options.count} messages of {options.body_bytes} bytes, {options.connections} connections, {options.domains} domains, "
          f"{options.workers} workers\n")
    print("  accepted/s  delivered/s   CPU us/msg (user + system)   peak MiB   connections   duplicates")
    if options.stalled:
        return compare_stalled(options)
    for _ in range(options.runs):
        show(run(options, options.count))
    if options.no_strace:
        return
    calls = system_calls(options, max(1000, options.count // 4))
    print(f"\nsystem calls per message, all threads, start and stop included: {sum(calls.values()):.2f}")
    for name, value in calls.most_common(12):
        if value >= 0.01:
            print(f"  {name:<16} {value:.2f}")


if __name__ == "__main__":
    main()
