"""Options that ate each other: a custom CA dropped the list of versions, STARTTLS read one set of options and implicit TLS
another, and "none" still said STARTTLS.

Here rules overlay field by field, one builder makes every context, and `posthaste tls explain` says where each field is from.
What was offered is read from the ClientHello, by the receiver.
"""
import itertools
import json
import unittest

from authority import Authority
from house import House
from tls_faults import OpensslPeer

TLS12_ONLY = {"inherit": "modern", "max_version": "TLSv1.2", "ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384", "groups": ["P-384", "P-256"]}


def offer(session):
    hello = session.hello
    return hello.versions, hello.ciphers, hello.groups, hello.sni


class Options(unittest.TestCase):
    def setUp(self):
        self.house = House({"tls": {"profiles": {"own": TLS12_ONLY}, "default": {"level": "encrypt", "ladder": ["own"]}, "domains": []}})
        self.addCleanup(self.house.close)
        self.ca = Authority(self.house.folder)
        self.peer = OpensslPeer(self.ca.issue("mx", ["mx.starttls.opt.test", "mx.implicit.opt.test"]))

    def receiver(self, name, rule, mode="starttls"):
        house, host = self.house, f"mx.{name}"
        rule = {"match": name, **rule, **({"connect": "implicit", "port": house.port} if mode == "implicit" else {})}
        house.config["tls"]["domains"].append(rule)
        mx = house.receiver(host, starttls=self.peer, implicit=mode == "implicit")
        house.domain(name, [host])
        return mx

    def deliver(self, *names):
        for name in names:
            self.house.wait_event("delivered", id=self.house.submit("a@sender.test", [f"b@{name}"]))

    def test_a_ca_of_ones_own_leaves_versions_ciphers_and_groups_alone_on_both_ways(self):
        plain = self.receiver("default.opt.test", {})
        own = {mode: self.receiver(f"{mode}.opt.test", {"level": "secure", "ca_file": self.ca.file, "match_names": ["hostname"]}, mode)
               for mode in ("starttls", "implicit")}
        self.house.start()
        self.deliver("default.opt.test", "starttls.opt.test", "implicit.opt.test")
        versions, ciphers, groups, _ = offer(plain.sessions[0])
        self.assertEqual((versions, [cipher for cipher in ciphers if cipher != 0x00FF], groups), ([0x0303], [0xC02C], [24, 23]))
        for mode, mx in own.items():
            self.assertEqual(offer(mx.sessions[0])[:3], (versions, ciphers, groups), mode)
            self.assertEqual(mx.sessions[0].hello.sni, mx.name)
            self.assertEqual(len(mx.messages), 1)

    def test_none_never_says_starttls(self):
        mx = self.receiver("none.opt.test", {"level": "none"})
        self.house.start()
        self.deliver("none.opt.test")
        self.assertNotIn("STARTTLS", mx.sessions[0].commands)
        self.assertIsNone(mx.messages[0]["tls"])

    def test_every_set_of_overridden_fields_leaves_all_others_with_their_parents_value_and_says_so(self):
        defaults = {"level": "encrypt", "ladder": ["own"], "ca_file": self.ca.file, "remember": "1h", "dane": False}
        overrides = {"level": "verify", "ladder": ["compat"], "ca_file": self.ca.issue("another", []).file, "remember": "2h", "dane": True}
        self.house.config["tls"]["default"] = defaults
        subsets = [subset for size in range(len(overrides) + 1) for subset in itertools.combinations(overrides, size)]
        for number, subset in enumerate(subsets):
            self.house.config["tls"]["domains"].append({"match": f"d{number}.test", **{key: overrides[key] for key in subset}})
        self.house.start()
        bare = self.fields("elsewhere.test")
        self.assertTrue(all(bare[key]["origin"] == "tls.default" for key in defaults), bare)
        full = self.fields(f"d{len(subsets) - 1}.test")
        self.assertFalse([key for key in overrides if full[key]["value"] == bare[key]["value"]])
        for number, subset in enumerate(subsets):
            have = self.fields(f"d{number}.test")
            for key in overrides:
                want = full[key] if key in subset else bare[key]
                self.assertEqual(have[key]["value"], want["value"], f"{key} with {subset} overridden")
                self.assertEqual(have[key]["origin"] == "tls.default", key not in subset, f"{key} with {subset} overridden")

    def fields(self, domain):
        told = json.loads(self.house.local(f"/v1/tls/explain?domain={domain}"))
        return {field["field"]: field for field in told["fields"]}


if __name__ == "__main__":
    unittest.main()
