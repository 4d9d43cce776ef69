"""The signed zones that other scenarios lean on: what is secure, insecure and bogus there is so for a real resolver."""
import os
import pathlib
import unittest

from house import House
from signed_zone import SignedZone, query

OLD, NEW = "ab" * 32, "cd" * 32
TLSA = "_25._tcp.mx.good.test"
SERVFAIL, NXDOMAIN = 2, 3


class SignedZones(unittest.TestCase):
    def setUp(self):
        self.dns = SignedZone(["good.test"])
        self.addCleanup(self.dns.stop)
        for record in ("good.test. 60 IN MX 10 mx.good.test.", "mx.good.test. 60 IN A 127.0.0.1",
                       f"{TLSA}. 60 IN TLSA 3 1 1 {OLD}", "out.good.test. 60 IN CNAME mx.plain.test.",
                       "mx.plain.test. 60 IN A 127.0.0.1", f"_25._tcp.mx.plain.test. 60 IN TLSA 3 1 1 {OLD}"):
            self.dns.add(record)
        self.dns.start()

    def ask(self, name, record_type):
        return query(self.dns.port, name, record_type)

    def assert_secure(self, name, record_type, data=b""):
        reply = self.ask(name, record_type)
        self.assertEqual((reply.rcode, reply.ad), (0, True), f"{name} {record_type}")
        self.assertGreater(reply.answers, 0)
        self.assertIn(data, reply.octets)

    def test_a_signed_zone_is_vouched_for(self):
        self.assert_secure("good.test", "MX")
        self.assert_secure("mx.good.test", "A")
        self.assert_secure(TLSA, "TLSA", bytes.fromhex("030101" + OLD))
        absent = self.ask("_26._tcp.mx.good.test", "TLSA")
        self.assertEqual((absent.rcode, absent.ad), (NXDOMAIN, True))

    def test_an_unsigned_zone_is_not(self):
        for name in "_25._tcp.mx.plain.test", "_26._tcp.mx.plain.test":
            self.assertFalse(self.ask(name, "TLSA").ad)
        out = self.ask("out.good.test", "A")
        self.assertEqual((out.rcode, out.ad, out.answers), (0, False, 2))
        self.assert_secure("out.good.test", "CNAME")

    def test_records_roll_over_at_once(self):
        self.assert_secure(TLSA, "TLSA", bytes.fromhex(OLD))
        self.dns.replace(TLSA, "TLSA", [f"3 1 1 {OLD}", f"3 1 1 {NEW}"])
        self.assert_secure(TLSA, "TLSA", bytes.fromhex(OLD))
        self.assert_secure(TLSA, "TLSA", bytes.fromhex(NEW))
        self.dns.replace(TLSA, "TLSA", [])
        self.assertEqual(self.ask(TLSA, "TLSA").rcode, NXDOMAIN)

    def test_broken_signatures_are_bogus_only_where_they_were_broken_and_can_be_mended(self):
        self.assert_secure(TLSA, "TLSA")
        self.dns.break_signatures(TLSA, "TLSA")
        self.assertEqual(self.ask(TLSA, "TLSA").rcode, SERVFAIL)
        self.assert_secure("mx.good.test", "A")
        self.dns.break_signatures("good.test")
        self.assertEqual(self.ask("mx.good.test", "A").rcode, SERVFAIL)
        self.assertEqual(self.ask("mx.plain.test", "A").rcode, 0)
        self.dns.mend_signatures()
        self.assert_secure(TLSA, "TLSA")

    def test_nothing_is_left_behind(self):
        daemons = [daemon.pid for daemon in (self.dns.nsd, self.dns.process)]
        self.dns.stop()
        self.assertFalse(pathlib.Path(self.dns.folder).exists())
        for pid in daemons:
            with self.assertRaises(ProcessLookupError):
                os.kill(pid, 0)

    def test_a_house_can_use_it_for_its_dns(self):
        with House() as house:
            folder = SignedZone(["good.test"]).join(house).folder
            mx = house.receiver("mx.good.test")
            house.domain("good.test", ["mx.good.test"])
            house.start()
            house.wait_event("delivered", id=house.submit("a@sender.test", ["b@good.test"]))
            self.assertEqual(len(mx.messages), 1)
        self.assertFalse(pathlib.Path(folder).exists())


if __name__ == "__main__":
    unittest.main()
