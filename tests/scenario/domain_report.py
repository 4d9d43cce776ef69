"""What a domain would be told of its TLS today, were the day over (RFC 8460): as `posthaste tls report` prints it."""
import json


def today(house):
    return house.events("started")[0]["time"][:10]


def read(house, domain):
    """None where nothing was counted."""
    said = house.tool("tls", "report", domain, "--day", today(house), "--json", check=False)
    report = json.loads(said) if said else {}
    return report if "policies" in report else None


def counts(house, domain):
    """{policy type: (sessions that came up, {result type: failures})}"""
    counted = {}
    for each in (read(house, domain) or {"policies": []})["policies"]:
        successes, failures = counted.get(each["policy"]["policy-type"], (0, {}))
        for detail in each.get("failure-details", []):
            failures[detail["result-type"]] = failures.get(detail["result-type"], 0) + detail["failed-session-count"]
        successes += each["summary"]["total-successful-session-count"]
        counted[each["policy"]["policy-type"]] = successes, failures
    return counted
