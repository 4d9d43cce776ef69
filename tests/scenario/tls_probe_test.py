"""`posthaste tls probe`: what it shows of hosts good and bad, and what our policy makes of them. No daemon runs here, and no mail
is ever sent.
"""
import json
import pathlib
import subprocess
import unittest

import sts_host
from authority import Authority
from house import TOOL, House
from signed_zone import SignedZone
from sts_host import StsHost
from tls_faults import TLS12, OpensslPeer


class Probe(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        self.authority = Authority(self.house.folder)

    def rule(self, **fields):
        """For every domain."""
        self.house.config.setdefault("tls", {})["default"] = fields

    def mx(self, name="mx.good.test", certificate=None, **behaviour):
        certificate = certificate or self.authority.issue(name, [name])
        behaviour.setdefault("starttls", OpensslPeer(certificate))
        return self.house.receiver(name, **behaviour)

    def run_tool(self, *words):
        if self.house.dns.process is None:
            self.house.dns.start()
        done = subprocess.run([TOOL, "tls", "probe", "--config", self.house.write_config(), *words], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        return done

    def probe(self, domain="good.test", *words):
        """(exit status, what it says)"""
        done = self.run_tool(domain, "--json", *words)
        for mx in self.house.receivers:
            self.assertEqual(mx.messages, [])
            for session in mx.sessions:
                self.assertFalse([command for command in session.commands if command.upper().startswith("MAIL")])
        return done.returncode, json.loads(done.stdout)

    def only_address(self, told):
        host, = told["hosts"]
        address, = host["addresses"]
        return host, address


class WhatIsShown(Probe):
    def test_a_good_host_with_chain_names_and_version(self):
        middle = Authority(self.house.folder, "Test Middle", parent=self.authority)
        certificate = middle.issue("mx.good.test", ["mx.good.test", "other.good.test"], along=[middle])
        mx = self.mx(certificate=certificate)
        self.house.domain("good.test", ["mx.good.test"])
        self.rule(level="verify", ca_file=self.authority.file)
        status, told = self.probe()
        self.assertEqual((status, told["takes_mail"], told["route"]), (0, True, "mx"))
        host, address = self.only_address(told)
        self.assertEqual((host["host"], host["port"]), ("mx.good.test", self.house.port))
        self.assertEqual(host["demand"], {"level": "verify", "source": "operator", "encrypted": True, "authentication": "pkix",
                                          "names": ["mx.good.test"], "records": []})
        self.assertEqual((address["endpoint"], address["verdict"]), (f"{mx.address}:{mx.port}", "delivers"))
        call, = address["calls"]
        self.assertEqual((call["profile"], call["ready"], call["failure"]), ("modern", True, ""))
        self.assertEqual(call["tls"]["version"], "TLSv1.3")
        self.assertEqual((call["tls"]["verified"], call["tls"]["authenticated_by"]), (True, "pkix"))
        leaf, issuer = call["chain"]
        self.assertEqual((leaf["subject"], leaf["issuer"]), ("CN=mx.good.test", "CN=Test Middle"))
        self.assertEqual((leaf["names"], leaf["fingerprint"]), (["mx.good.test", "other.good.test"], certificate.pin))
        self.assertLess(leaf["not_before"], leaf["not_after"])
        self.assertEqual((issuer["subject"], issuer["issuer"]), ("CN=Test Middle", "CN=Test Root"))
        self.assertIn("8BITMIME", call["offers"])
        self.assertEqual(mx.sessions[0].commands[-1], "QUIT")

    def test_a_certificate_that_is_not_accepted_is_shown_all_the_same(self):
        mx = self.mx(certificate=self.authority.issue("wrong", ["elsewhere.test"]))
        self.house.domain("good.test", ["mx.good.test"])
        self.rule(level="verify", ca_file=self.authority.file)
        status, told = self.probe()
        self.assertEqual((status, told["takes_mail"]), (1, False))
        _, address = self.only_address(told)
        self.assertEqual(address["verdict"], "defers")
        refused, looked = address["calls"]
        self.assertEqual((refused["observing"], refused["failure"], refused["chain"]), (False, "cert_host_mismatch", []))
        self.assertIn("elsewhere.test", refused["words"])
        self.assertEqual((looked["observing"], looked["tls"]["certificate"]), (True, "cert_host_mismatch"))
        self.assertEqual(looked["chain"][0]["names"], ["elsewhere.test"])
        self.assertEqual(len(mx.sessions), 2)

    def test_the_ladder_rung_by_rung(self):
        certificate = self.authority.issue("rsa", ["mx.good.test"], key="rsa:2048")
        self.mx(starttls=OpensslPeer(certificate, maximum=TLS12, ciphers="AES256-GCM-SHA384"))
        self.house.domain("good.test", ["mx.good.test"])
        status, told = self.probe()
        host, address = self.only_address(told)
        self.assertEqual(host["ladder"], ["modern", "reduced", "compat"])
        self.assertEqual([(call["profile"], call["failure"]) for call in address["calls"]],
                         [("modern", "peer_handshake_failure"), ("compat", "")])
        facts = address["calls"][1]["tls"]
        self.assertEqual((facts["cipher"], facts["forward_secret"]), ("AES256-GCM-SHA384", False))
        self.assertEqual((status, address["verdict"]), (0, "delivers"))

    def test_words_for_people(self):
        self.mx(certificate=self.authority.issue("wrong", ["elsewhere.test"]))
        self.house.domain("good.test", ["mx.good.test", "down.good.test"])
        self.house.host("down.good.test")
        self.rule(level="verify", ca_file=self.authority.file)
        done = self.run_tool("GOOD.test.")
        self.assertEqual(done.returncode, 1)
        for words in ("TLS of good.test", "by MX, which DNSSEC does not vouch for", "verify: TLS, verified by pkix, names mx.good.test",
                      "no mail goes there", "cert_host_mismatch: ", "to look", "CN=wrong",
                      "issuer      CN=Test Root", "names       elsewhere.test", "no session", "refused"):
            self.assertIn(words, done.stdout)


class WhatPolicyMakesOfIt(Probe):
    def test_no_starttls_is_plaintext_under_may_and_no_mail_under_encrypt(self):
        self.mx(starttls=None)
        self.house.domain("good.test", ["mx.good.test"])
        for level, status, verdict in ("may", 0, "plaintext"), ("encrypt", 1, "defers"), ("none", 0, "plaintext"):
            self.rule(level=level)
            got, told = self.probe()
            _, address = self.only_address(told)
            self.assertEqual((got, address["verdict"]), (status, verdict), level)
            self.assertEqual(address["calls"][0]["failure"], "" if level == "none" else "not_offered")

    def test_a_failed_handshake_opens_the_way_to_plaintext_only_after_a_while(self):
        self.mx(starttls="garbage")
        self.house.domain("good.test", ["mx.good.test"])
        status, told = self.probe()
        _, address = self.only_address(told)
        self.assertEqual((status, address["verdict"]), (1, "plaintext_later"))
        self.rule(plaintext_after="0s")
        status, told = self.probe()
        self.assertEqual((status, self.only_address(told)[1]["verdict"]), (0, "plaintext"))

    def test_a_fallback_that_bounces(self):
        self.mx(starttls="refuse_permanent")
        self.house.domain("good.test", ["mx.good.test"])
        self.rule(level="encrypt", fallback={"refused": "bounce"})
        status, told = self.probe()
        _, address = self.only_address(told)
        self.assertEqual((status, address["verdict"], address["calls"][0]["failure"]), (1, "bounces", "refused_permanent"))

    def test_one_host_of_several_is_enough(self):
        self.house.host("down.good.test")
        self.mx("mx2.good.test")
        self.house.domain("good.test", ["down.good.test", "mx2.good.test"])
        self.rule(level="encrypt")
        status, told = self.probe()
        self.assertEqual(status, 0)
        self.assertEqual([(host["host"], host["addresses"][0]["verdict"]) for host in told["hosts"]],
                         [("down.good.test", "unreachable"), ("mx2.good.test", "delivers")])

    def test_special_purpose_addresses_are_called_only_where_the_configuration_has_them(self):
        mx = self.mx()
        self.house.domain("good.test", ["mx.good.test"])
        self.house.config["delivery"]["allow_networks"] = []
        status, told = self.probe()
        self.assertEqual((status, told["hosts"][0]["addresses"], mx.sessions), (1, [], []))
        self.assertIn("special-purpose", told["hosts"][0]["trouble"])
        self.house.config["delivery"]["routes"] = [{"match": "good.test", "hosts": [f"mx.good.test:{self.house.port}"]}]
        status, told = self.probe()
        self.assertEqual((status, told["route"], len(mx.sessions)), (0, "route", 1))

    def test_implicit_tls_and_another_port(self):
        self.mx(implicit=True)
        self.house.domain("good.test", ["mx.good.test"])
        self.house.config["delivery"]["port"] = 9
        self.rule(connect="implicit", port=self.house.port, level="verify", ca_file=self.authority.file)
        status, told = self.probe()
        self.assertEqual((status, self.only_address(told)[1]["verdict"]), (0, "delivers"))
        self.rule(level="verify", ca_file=self.authority.file)
        self.assertEqual(self.probe("good.test", "--port", str(self.house.port))[0], 1, "STARTTLS meets a server that waits")

    def test_domains_without_a_host(self):
        self.house.dns.add("null.test. 60 IN MX 0 .")
        for domain in "null.test", "nowhere.test":
            status, told = self.probe(domain)
            self.assertEqual((status, told["hosts"]), (1, []))
            self.assertTrue(told["trouble"])


class WhatIsPublished(Probe):
    def test_tlsa_records_of_a_signed_zone(self):
        dns = SignedZone(["good.test"], folder=self.house.folder).join(self.house)
        certificate = self.authority.issue("mx", ["mx.good.test"])
        self.mx(certificate=certificate)
        self.house.domain("good.test", ["mx.good.test"])
        name = f"_{self.house.port}._tcp.mx.good.test"
        dns.add(f"{name}. 5 IN TLSA 3 1 1 {certificate.digest}")
        status, told = self.probe()
        host, address = self.only_address(told)
        self.assertEqual((status, told["mx_secure"], host["dane"]["state"]), (0, True, "usable"))
        self.assertEqual((host["demand"]["level"], host["demand"]["source"]), ("dane", "dane"))
        self.assertEqual(host["demand"]["records"], [f"3 1 1 {certificate.digest}"])
        self.assertEqual(address["calls"][0]["tls"]["authenticated_by"], "dane")

        dns.replace(name, "TLSA", ["3 1 1 " + "ab" * 32])
        status, told = self.probe()
        host, address = self.only_address(told)
        self.assertEqual((status, address["verdict"]), (1, "defers"))
        refused, looked = address["calls"]
        self.assertEqual(refused["failure"], "dane_no_match")
        self.assertEqual(looked["chain"][0]["fingerprint"], certificate.pin)

        dns.break_signatures(name)
        status, told = self.probe()
        host, address = self.only_address(told)
        self.assertEqual((status, host["barred"], address["verdict"]), (1, "dane_lookup", "defers"))
        self.assertEqual([call["observing"] for call in address["calls"]], [True], "it is looked at, and no more")

    def test_an_mta_sts_policy(self):
        authority = sts_host.Authority(self.house.folder)
        try:
            policy = StsHost(self.house.host("mta-sts.good.test"), "good.test", authority, port=443)
        except PermissionError:
            self.skipTest("port 443 cannot be bound: not root")
        self.addCleanup(policy.close)
        dns = SignedZone([], folder=self.house.folder).join(self.house)
        dns.add('_mta-sts.good.test. 60 IN TXT "v=STSv1; id=one"')
        self.house.config["tls"] = {"mta_sts_ca_file": authority.file}
        self.mx()
        self.mx("mx2.good.test")
        self.house.domain("good.test", ["mx.good.test", "mx2.good.test"])
        policy.publish("enforce", ["mx.good.test"])
        self.rule(ca_file=self.authority.file)
        status, told = self.probe()
        self.assertEqual((told["mta_sts"]["mode"], told["mta_sts"]["id"], told["mta_sts"]["mx"]), ("enforce", "one", ["mx.good.test"]))
        first, second = told["hosts"]
        self.assertEqual((status, first["demand"]["source"], first["addresses"][0]["verdict"]), (0, "mta_sts", "delivers"))
        self.assertEqual((second["barred"], second["takes_mail"]), ("sts_mx_mismatch", False))

        policy.certificate = "wrong_name"
        status, told = self.probe()
        self.assertEqual((status, told["mta_sts"]["mode"]), (0, "none"))
        self.assertIn("certificate", told["mta_sts"]["words"])


class WhatIsNotUnderstood(Probe):
    def test_a_wrong_port_and_a_wrong_name(self):
        for words in (("good.test", "--port", "0"), ("good.test", "--port", "smtp"), ("xn--\u00fc.test",)):
            done = subprocess.run([TOOL, "tls", "probe", "--config", self.house.write_config(), *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertTrue(done.stderr)

    def test_a_ca_file_that_is_not_there(self):
        self.mx()
        self.house.domain("good.test", ["mx.good.test"])
        missing = pathlib.Path(self.house.folder, "missing.pem")
        self.rule(level="verify", ca_file=str(missing))
        status, told = self.probe()
        call, = self.only_address(told)[1]["calls"]
        self.assertEqual((status, call["failure"]), (1, "local_error"))
        self.assertIn("missing.pem", call["words"])


if __name__ == "__main__":
    unittest.main()
