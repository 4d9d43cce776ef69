"""The shipped configuration under the shipped JSON Schema, and files that the schema must refuse."""

import json
import pathlib
import sys

import jsonschema
import yaml

RIGHT = [
    "",
    "workers: auto",
    "workers: 8",
    "queue: { min_free_space: 4096, body_cache: 64MiB, history: 90s }",
    "listen: [ { address: 127.0.0.1:587 } ]",
    "retry: { classes: { dns: { intervals: [1m, 2m] } }, default: { intervals: 5m, jitter: 0 } }",
    "retry: { default: { delay_notice_after: never }, classes: { tls: { delay_notice_after: 30m } } }",
    "retry: { domains: [ { match: a.example, classes: { greylist: { intervals: 5m } } } ] }",
    "retry: { replies: { rules: [ { name: a, codes: [451, 4xx], enhanced: x.7.x, pattern: b, class: greylist } ] } }",
    "tls: { profiles: { mine: { groups: [X25519, P-256] } }, default: { level: encrypt } }",
    "tls: { default: { level: dane-only, ladder: modern, dane: true, remember: 0s, ca_file: system, crl_file: none } }",
    'tls: { domains: [ { mx: "*.a.example", ladder: [modern, compat], ocsp: require, match_names: [nexthop, .b.example] } ] }',
    "tls: { default: { level: fingerprint, fingerprints: sha256:" + "ab" * 32 + " } }",
    "submission: { client_certificates: { mode: optional, ca_file: /ca.pem, allow: [a.example, CN=b] } }",
    "tls: { report: { enabled: true, from: tls@a.example, organization: Example Mail } }",
    'delivery: { routes: [ { match: "*.a.example", hosts: ["b.example:2525"] } ] }',
]
WRONG = [
    "conections: 5",
    "workers: 0",
    "workers: many",
    "delivery: { port: 70000 }",
    "delivery: { port: \"25\" }",
    "delivery: { timeouts: { connect: 30 } }",
    "listen: [ { tls: none } ]",
    "listen: [ 127.0.0.1:587 ]",
    "retry: { classes: { graylist: { jitter: 0.1 } } }",
    "retry: { default: { jitter: 0.9 } }",
    "retry: { default: { delay_notice_after: nie } }",
    "retry: { replies: { rules: [ { name: a, codes: 250 } ] } }",
    "retry: { replies: { rules: [ { name: a, enhanced: 4.7 } ] } }",
    "retry: { domains: [ { match: a.example, classes: { graylist: { jitter: 0.1 } } } ] }",
    "retry: { default: { intervals: [] } }",
    "tls: { default: { level: strict } }",
    "tls: { default: { profile: modern } }",
    "tls: { default: { fingerprints: \"sha1:abcd\" } }",
    "tls: { default: { ca_file: roots.pem } }",
    "submission: { client_certificates: { mode: always } }",
    "data_dir: var/lib/posthaste",
    "queue: { sync: 1 }",
]


def main(folder: pathlib.Path) -> int:
    schema = json.loads((folder / "posthaste.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    failures = []
    shipped = yaml.safe_load((folder / "posthaste.yaml").read_text("utf-8"))
    for error in validator.iter_errors(shipped):
        failures.append(f"posthaste.yaml: {error.json_path}: {error.message}")
    for text in RIGHT:
        for error in validator.iter_errors(yaml.safe_load(text)):
            failures.append(f"refused, but right: {text}: {error.message}")
    for text in WRONG:
        if validator.is_valid(yaml.safe_load(text)):
            failures.append(f"accepted, but wrong: {text}")

    for failure in failures:
        print(failure)
    print(f"{1 + len(RIGHT) + len(WRONG)} files checked, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
