"""What was learned of a host's TLS: where the next connection begins, what a strip is known by, over a restart and until
somebody says that it is to be forgotten.
"""
import json
import unittest

from authority import Authority
from house import House
from tls_faults import TLS12, OpensslPeer

MESSAGES = 6  # one call in twenty looks whether a better rung works again; not all of so many do


class RemembersTls(unittest.TestCase):
    def open(self, **tls):
        self.house = House({"delivery": {"limits": {"default": {"messages_per_connection": 1}}}, "tls": {"default": tls}})
        self.addCleanup(self.house.close)
        self.house.domain("old.test", ["mx.old.test"])
        self.ca = Authority(self.house.folder)

    def open_with_old_host(self):
        self.open()
        certificate = self.ca.issue("old", ["mx.old.test"], key="rsa:2048")
        self.mx = self.house.receiver("mx.old.test", starttls=OpensslPeer(certificate, maximum=TLS12, ciphers="AES256-GCM-SHA384"))
        self.house.start()
        self.assertEqual(self.send(), ["TLSv1.2 AES256-GCM-SHA384 unverified (level may, rung compat after peer_handshake_failure)"])

    def send(self, messages=1):
        """What the trace says of TLS, one message after the other."""
        told = []
        for _ in range(messages):
            message = self.house.submit("a@sender.test", ["b@old.test"])
            self.house.wait_event("delivered", id=message)
            told.append(self.house.trace(message)["events"][-1]["tls"])
        return told

    def memory(self):
        return [(entry["subject"].split(":")[0], entry["kind"], entry["rung"])
                for entry in json.loads(self.house.local("/v1/tls/memory"))["entries"]]

    def test_the_next_connection_begins_where_the_last_one_ended_also_after_a_restart(self):
        self.open_with_old_host()
        self.assertEqual(self.memory(), [(self.mx.address, "host", 2)])
        for _ in range(2):
            self.assertTrue(any("rung compat as remembered" in told for told in self.send(MESSAGES)))
            self.house.stop()
            self.house.start()

    def test_explain_knows_where_it_will_begin(self):
        self.open_with_old_host()
        told = json.loads(self.house.local("/v1/tls/explain?domain=old.test"))
        [address] = told["hosts"][0]["addresses"]
        self.assertEqual((address["next"], address["remembered"]["profile"]), ("compat", "compat"))

    def test_what_is_forgotten_is_learnt_anew_and_does_not_come_back_with_a_restart(self):
        self.open_with_old_host()
        forgotten = json.loads(self.house.local(f"/v1/tls/forget?host={self.mx.address}", "POST"))
        self.assertEqual(forgotten["forgotten"], 1)
        self.assertEqual(self.memory(), [])
        self.house.stop()
        self.house.start()
        self.assertEqual(self.memory(), [])
        self.assertIn("rung compat after peer_handshake_failure", self.send()[0])

    def test_forgetting_is_a_change_and_no_matter_of_get(self):
        self.open_with_old_host()
        self.assertEqual(json.loads(self.house.local(f"/v1/tls/forget?host={self.mx.address}"))["error"], "use POST")
        self.assertEqual(len(self.memory()), 1)

    def test_a_host_without_forward_secrecy_is_warned_of_once(self):
        self.open_with_old_host()
        self.send(MESSAGES)
        warnings = self.house.events("tls_without_forward_secrecy")
        self.assertEqual([(each["host"], each["level"]) for each in warnings], [("mx.old.test", "warning")])
        self.assertEqual(self.house.metric("posthaste_tls_without_forward_secrecy_total", direction="outbound"), MESSAGES + 1)

    def test_a_host_that_has_shown_verified_tls_and_offers_none_after_a_restart_is_not_believed(self):
        self.open()
        self.house.config["tls"]["default"]["ca_file"] = self.ca.file
        mx = self.house.receiver("mx.old.test", starttls=OpensslPeer(self.ca.issue("good", ["mx.old.test"])))
        self.house.start()
        self.assertEqual(self.send()[0].split("(")[0].split()[2:], ["verified", "by", "pkix"])
        self.house.stop()
        mx.starttls = None
        self.house.start()
        event = self.house.wait_event("deferred", id=self.house.submit("a@sender.test", ["b@old.test"]))
        self.assertEqual((event["class"], event["tls_failure"]), ("tls", "suspected_strip"))
        self.assertEqual(self.house.metric("posthaste_tls_suspected_strips_total"), 1)
        self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions))


if __name__ == "__main__":
    unittest.main()
