"""What a domain would be told of its TLS today, were the day over (RFC 8460)."""
import json


def today(house):
    return house.events("started")[0]["time"][:10]


def read(house, domain):
    """The report as it would be sent; None where nothing was counted."""
    report = json.loads(house.local(f"/v1/tls/report?domain={domain}&day={today(house)}"))
    return None if "error" in report else report


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
