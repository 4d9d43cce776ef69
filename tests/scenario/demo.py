"""What script/demo shows: pretend destinations with different faults, mail to each of them over SMTP submission, and what the
daemon itself says became of every message and why (its trace and its metrics)."""
import email
import json
import subprocess
import sys
import textwrap

from house import House

RETRY_SOON = {"intervals": ["2s"], "jitter": 0}


def destinations(house):
    """(domain, what it is, how we know that its story has been told so far)"""
    first = {"rcpt": 0}

    def busy_once(_):
        first["rcpt"] += 1
        return "451 4.7.1 greylisted, come back later" if first["rcpt"] == 1 else "250 2.1.5 ok"

    house.receiver("mx.good.test", starttls=house.tls(name="mx.good.test"))
    house.receiver("mx.plain.test")
    house.receiver("mx.strict.test")
    house.receiver("mx.brokentls.test", starttls="garbage")
    house.receiver("mx.nobody.test", rcpt="550 5.1.1 no such user here")
    house.receiver("mx.busy.test", rcpt=busy_once)
    house.host("mx.dead.test")  # an address where nobody listens
    rows = [
        ("good.test", "STARTTLS works", ("delivered",)),
        ("plain.test", "no STARTTLS; policy: may", ("delivered",)),
        ("strict.test", "no STARTTLS; policy: encrypt", ("deferred",)),
        ("brokentls.test", "handshake fails; policy: encrypt", ("deferred",)),
        ("nobody.test", "says 550 to every recipient", ("bounced",)),
        ("busy.test", "says 451 once, then takes it", ("delivered",)),
        ("dead.test", "nobody listens there", ("deferred",)),
    ]
    for domain, _, _ in rows:
        house.domain(domain, [f"mx.{domain}"])
    house.domain("sender.test", ["mx.sender.test"])
    house.receiver("mx.sender.test")
    return rows


def configuration():
    return {
        "tls": {"domains": [{"match": ["strict.test", "brokentls.test"], "level": "encrypt"}]},
        "retry": {"default": {"intervals": ["1m", "5m", "15m"], "jitter": 0.1},
                  "domains": [{"match": ["busy.test"], **RETRY_SOON}]},
        "log": {"level": "info", "format": "json"},
    }


def table(rows, widths):
    for row in rows:
        cells = [textwrap.wrap(str(cell), width) or [""] for cell, width in zip(row, widths)]
        for n in range(max(map(len, cells))):
            print("  ".join((cell[n] if n < len(cell) else "").ljust(width) for cell, width in zip(cells, widths)).rstrip())


def story(trace):
    """The last word of a trace: what happened, and why."""
    last = trace["events"][-1]
    attempts = max(event.get("attempt", 0) for event in trace["events"])
    return last["kind"], attempts, last.get("tls", ""), last.get("words", "")


def main():
    with House(configuration()) as house:
        rows = destinations(house)
        house.start()
        print(f"posthasted listens on 127.0.0.1:{house.submission}, metrics on http://127.0.0.1:{house.http}/metrics, "
              f"queue in {house.folder}/data\n")
        ids = {}
        for domain, _, _ in rows:
            ids[domain] = house.submit("alice@sender.test", [f"bob@{domain}"])
            print(f"  submitted to bob@{domain:<16} 250 2.0.0 queued as {ids[domain]}")

        def all_told():
            return all(story(house.trace(ids[domain]))[0] in until for domain, _, until in rows)

        house.wait_for(all_told, 60, "every destination's story")
        print("\nWhat became of each message, from the daemon's own trace:\n")
        lines = [("TO", "THE DESTINATION", "OUTCOME", "TRIES", "TLS", "WHY"), ("-" * 14, "-" * 24, "-" * 9, "-" * 5, "-" * 24, "-" * 44)]
        for domain, what, _ in rows:
            kind, attempts, tls, words = story(house.trace(ids[domain]))
            lines.append((domain, what, kind, attempts, tls or "-", words))
        table(lines, (14, 24, 9, 5, 24, 44))

        bounce = next(r for r in house.receivers if r.name == "mx.sender.test")
        house.wait_for(lambda: bounce.messages, 30, "the bounce")
        print("\nalice@sender.test was told about bob@nobody.test:\n")
        told = email.message_from_bytes(bounce.messages[0]["body"]).get_payload()[0]  # its part for people
        print(textwrap.indent(told.get_payload(decode=True).decode().strip(), "    | "))

        print("\nThe story of the one that was tried twice (posthaste trace):\n")
        print(textwrap.indent(house.tool("trace", ids["busy.test"]), "    "))
        print("What waits, and until when (posthaste schedule):\n")
        print(textwrap.indent(house.tool("schedule"), "    "))
        print("From /metrics:\n")
        for name, value in sorted(house.metrics().items()):
            shown = name.split("{")[0] in ("posthaste_attempts_total", "posthaste_tls_handshakes_total",
                                           "posthaste_tls_fallbacks_total", "posthaste_retry_due", "posthaste_queue_recipients")
            if shown and value:
                print(f"    {name} {value:g}")
        print("\nEverything was on loopback and is gone now. Next: README.md, \"A first configuration\".")


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, OSError, subprocess.SubprocessError, json.JSONDecodeError) as error:
        sys.exit(f"demo: {error}")
