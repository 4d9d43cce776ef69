"""The series of TLS: all that a configuration can lead to is there with zero from the start, and after a reload; promtool
likes their names.
"""
import re
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

from authority import Authority
from house import House, free_port
from tls_faults import TLS12, OpensslPeer

FAMILIES = {"handshakes", "sessions", "fallbacks", "policy", "barred", "suspected_strips", "without_forward_secrecy",
            "report_results", "reports"}
NO_STEP = {"local_error", "guarded", "dane_lookup", "dane_required", "sts_mx_mismatch", "suspected_strip", "requiretls_missing"}


class CountsTls(unittest.TestCase):
    def open(self, **config):
        self.house = House(config)
        self.addCleanup(self.house.close)
        return self.house

    def reload(self, expect):
        seen = len(self.house.events(expect))
        self.house.write_config()
        self.house.process.send_signal(signal.SIGHUP)
        self.house.wait_for(lambda: len(self.house.events(expect)) > seen, 10, expect)

    def values(self, family, label):
        return {value for name in self.house.metrics() if name.startswith(f"posthaste_{family}{{")
                for value in re.findall(f'{label}="([^"]*)"', name)}

    def test_all_of_them_are_there_and_zero_from_the_start(self):
        house = self.open(tls={"profiles": {"mine": {"max_version": "TLSv1.2"}}, "default": {"ladder": ["mine", "compat"]}})
        house.start()
        samples = house.metrics()
        families = {name.split("{")[0] for name in samples}
        self.assertLessEqual({f"posthaste_tls_{name}_total" for name in FAMILIES}, families)
        self.assertLessEqual({"posthaste_sts_failures_total", "posthaste_sts_fetches_total"}, families)
        self.assertFalse({name: value for name, value in samples.items() if value and re.match("posthaste_(tls|sts)_", name)})
        self.assertEqual(self.values("tls_handshakes_total", "profile"), {"modern", "reduced", "compat", "antique", "mine"})
        reasons = self.values("tls_handshakes_total", "reason")
        steps = {reason for name in samples if 'to="plaintext"' in name for reason in re.findall('reason="(.*?)"', name)}
        self.assertEqual(reasons - steps - {"none"}, NO_STEP)
        self.assertTrue(any('from="mine",reason="peer_handshake_failure",to="compat"' in name for name in samples))
        self.assertEqual(self.values("tls_policy_total", "source"), {"operator", "dane", "mta_sts", "requiretls"})

    def test_a_reload_adds_what_it_can_lead_to_and_takes_nothing_away(self):
        house = self.open()
        house.start()
        house.config["tls"] = {"profiles": {"later": {"max_version": "TLSv1.2"}}}
        self.reload("reloaded")
        self.assertLessEqual({"modern", "later"}, self.values("tls_handshakes_total", "profile"))

    def test_promtool_likes_them_with_sessions_of_every_kind(self):
        house = self.open()
        ca = Authority(house.folder)
        house.config["tls"] = {"default": {"ca_file": ca.file}}
        for name, peer in {"good.test": OpensslPeer(ca.issue("good", ["mx.good.test"])), "plain.test": None,
                           "rsa.test": OpensslPeer(ca.issue("rsa", ["mx.rsa.test"], key="rsa:2048"), maximum=TLS12, ciphers="AES256-GCM-SHA384")}.items():
            house.receiver(f"mx.{name}", starttls=peer)
            house.domain(name, [f"mx.{name}"])
        house.start()
        for name in ("good.test", "plain.test", "rsa.test"):
            house.wait_event("delivered", id=house.submit("a@sender.test", [f"b@{name}"]))
        self.assertEqual(house.metric("posthaste_tls_sessions_total", direction="outbound", auth="verified"), 2)
        self.assertEqual(house.metric("posthaste_tls_fallbacks_total", to="plaintext", reason="not_offered"), 1)
        self.assertEqual(house.metric("posthaste_tls_policy_total", source="operator", level="may", result="met"), 3)
        self.assertEqual(house.metric("posthaste_tls_report_results_total", result="success"), 2)
        self.assertEqual(house.metric("posthaste_tls_report_results_total", result="failure"), 2, "one had no TLS, one no common cipher at first")
        done = subprocess.run(["promtool", "check", "metrics"], input=house.get("/metrics"), capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


class ReloadsFiles(unittest.TestCase):
    """Certificates and trust files are read again on SIGHUP: all of them, or none."""

    def setUp(self):
        self.house = house = House()
        self.addCleanup(house.close)
        self.ca, self.other = Authority(house.folder), Authority(house.folder, "Other Root")
        self.port = free_port()
        self.show(self.ca.issue("first", ["mta.test"]))
        house.config["listen"].append({"address": f"127.0.0.1:{self.port}", "tls": "implicit"})
        house.config["submission"].update({"certificate": f"{house.folder}/cert.pem", "private_key": f"{house.folder}/key.pem"})
        shutil.copy(self.ca.file, f"{house.folder}/roots.pem")
        house.config["tls"] = {"domains": [{"match": "partner.test", "level": "verify", "ca_file": f"{house.folder}/roots.pem"}]}
        house.domain("partner.test", ["mx.partner.test"])
        house.receiver("mx.partner.test", starttls=OpensslPeer(self.other.issue("partner", ["mx.partner.test"])))
        house.start()

    def show(self, certificate):
        shutil.copy(certificate.chain, f"{self.house.folder}/cert.pem")
        shutil.copy(certificate.key, f"{self.house.folder}/key.pem")

    reload = CountsTls.reload

    def shown(self):
        with open(f"{self.house.folder}/both.pem", "w") as both:
            for ca in self.ca, self.other:
                with open(ca.file) as file:
                    both.write(file.read())
        context = ssl.create_default_context(cafile=f"{self.house.folder}/both.pem")
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 10), server_hostname="mta.test") as client:
            return client.getpeercert()["issuer"][-1][0][1]

    def send(self, event):
        return self.house.wait_event(event, id=self.house.submit("a@sender.test", ["b@partner.test"]))

    def test_new_files_count_for_the_next_connection_in_both_directions(self):
        first = self.shown()
        self.show(self.other.issue("second", ["mta.test"]))
        shutil.copy(self.other.file, f"{self.house.folder}/roots.pem")
        self.reload("reloaded")
        self.assertNotEqual(self.shown(), first)
        self.send("delivered")  # the old roots would not have let it

    def test_one_bad_file_and_nothing_is_changed(self):
        first = self.shown()
        self.show(self.other.issue("second", ["mta.test"]))
        with open(f"{self.house.folder}/roots.pem", "w") as roots:
            roots.write("no certificate\n")
        self.reload("reload_failed")
        self.assertEqual(self.shown(), first)
        self.assertEqual(self.send("deferred")["tls_failure"], "cert_untrusted")
        self.assertTrue(any("roots.pem" in event["words"] for event in self.house.events("config")))


class NamesWhatWasOffered(unittest.TestCase):
    def test_the_line_of_a_refused_handshake_says_what_the_client_can(self):
        house = House()
        self.addCleanup(house.close)
        port, certificate = free_port(), Authority(house.folder).issue("mta", ["mta.test"])
        house.config["listen"].append({"address": f"127.0.0.1:{port}", "tls": "implicit"})
        house.config["submission"].update({"certificate": certificate.chain, "private_key": certificate.key})
        house.start()
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode, client.maximum_version = False, ssl.CERT_NONE, TLS12
        client.set_ciphers("AES128-SHA256")
        with self.assertRaises(ssl.SSLError):
            client.wrap_socket(socket.create_connection(("127.0.0.1", port), 10))
        line = house.wait_event("tls_failed", direction="inbound")
        self.assertIn("TLS_RSA_WITH_AES_128_CBC_SHA256", line["words"])
        self.assertEqual(line["profile"], "modern")
        self.assertEqual(house.metric("posthaste_tls_handshakes_total", direction="inbound", profile="modern", reason=line["reason"]), 1)


if __name__ == "__main__":
    unittest.main()
