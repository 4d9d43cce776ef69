"""The operator steers mail that waits: holds, releases, retries, bounces and removes it by filters; stops domains, sites and
senders for a while, over restarts; and sees all of it."""
import json
import shutil
import unittest

from house import DAEMON, TOOL, House


@unittest.skipUnless(DAEMON.exists() and TOOL.exists(), "not built")
class SteersTheQueue(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.close)
        self.busy = self.house.receiver("mx.busy.test", rcpt="451 4.3.2 come back later")
        self.good = self.house.receiver("mx.good.test")
        self.home = self.house.receiver("mx.sender.test")
        for domain in ("busy", "good", "sender"):
            self.house.domain(f"{domain}.test", [f"mx.{domain}.test"])
        self.house.domain("other.test", ["mx.good.test"])

    def asked(self, *words):
        return json.loads(self.house.tool("--json", *words))

    def rows(self, *filters):
        return self.asked("queue", "list", *filters)["recipients"]

    def states(self, *filters):
        return sorted((row["recipient"], row["state"]) for row in self.rows(*filters))

    def submit_deferred(self, sender="a@sender.test", users="b"):
        message = self.house.submit(sender, [f"{user}@busy.test" for user in users])
        for user in users:
            self.house.wait_event("deferred", id=message, to=f"{user}@busy.test")
        self.house.wait_for(lambda: all(row["attempts"] for row in self.rows() if row["id"] == message), 10, "the record of it")
        self.house.wait_for(lambda: self.asked("status")["queue"]["in_flight"] == 0, 10, "idleness")
        return message

    def mails(self, receiver):
        return len(receiver.messages)

    # ---- what is queued -----------------------------------------------------------------------------------------
    def test_holds_and_releases_one_domain(self):
        house = self.house
        house.start()
        message = self.submit_deferred(users="bc")
        self.assertIn("2 recipients held", house.tool("queue", "hold", "--domain", "busy.test", "--words", "audit"))
        self.assertEqual(self.states(), [("b@busy.test", "held"), ("c@busy.test", "held")])
        self.assertEqual(house.metric("posthaste_queue_recipients", state="held"), 2)
        self.assertIn("held", house.tool("queue", "list"))
        due = {row["recipient"]: row["due"] for row in self.rows()}

        house.kill()
        house.start()
        house.wait_for(lambda: house.metric("posthaste_queue_recipients", state="held") == 2, 10, "held over the restart")
        self.assertEqual(self.asked("queue", "release", "--state", "held")["matched"], 2)
        self.assertEqual(self.states("--state", "waiting"), [("b@busy.test", "waiting"), ("c@busy.test", "waiting")])
        self.assertEqual({row["recipient"]: row["due"] for row in self.rows()}, due, "due when it was due")
        kinds = [(event["kind"], event["words"]) for event in self.asked("trace", message)["events"]]
        self.assertEqual([kind for kind, _ in kinds], ["accepted"] + ["deferred"] * 2 + ["held"] * 2 + ["released"] * 2)
        self.assertTrue(all("audit" in words for kind, words in kinds if kind == "held"))
        self.assertIn("held b@busy.test", house.tool("trace", message))
        self.assertEqual(house.metric("posthaste_steered_total", outcome="released"), 2)

    def test_retries_before_it_is_due(self):
        house = self.house
        house.start()
        message = self.submit_deferred()
        self.busy.rcpt = "250 2.1.5 ok"
        self.assertIn("1 recipient due now", house.tool("queue", "retry", message))
        house.wait_event("delivered", id=message)
        self.assertEqual(self.mails(self.busy), 1)

    def test_bounces_mail_of_one_sender_and_tells_him_why(self):
        house = self.house
        house.start()
        meant = self.submit_deferred("news@sender.test", "bc")
        other = self.submit_deferred("a@sender.test", "d")
        dry = house.tool("queue", "bounce", "--sender", "@sender.test", "--dry-run")
        self.assertEqual(dry, "3 recipients would be bounced\n")
        told = self.asked("queue", "bounce", "--sender", "news@sender.test", "--words", "the list is closed")
        self.assertEqual((told["found"], told["matched"], told["left"], told["done"]), (2, 2, 0, True))
        self.assertEqual([row["id"] for row in self.rows("--domain", "busy.test")], [other])
        house.wait_for(lambda: self.mails(self.home) == 1, 10, "the bounce")
        self.assertIn("the list is closed", str(self.home.messages[0]))
        self.assertEqual([event["kind"] for event in self.asked("trace", meant)["events"]][-2:], ["bounced"] * 2)
        self.assertEqual(house.metric("posthaste_dsn_total", action="failed"), 1)

    def test_removes_without_a_word(self):
        house = self.house
        house.start()
        message = self.submit_deferred(users="bcd")
        reason, = {row["class"] for row in self.rows()}
        self.assertEqual(self.asked("queue", "remove", "--reason", "dns")["matched"], 0)
        self.assertIn("3 recipients removed", house.tool("queue", "remove", "--reason", reason, "--younger", "1h"))
        self.assertEqual(self.rows(), [])
        self.assertEqual([event["kind"] for event in self.asked("trace", message)["events"]][-3:], ["removed"] * 3)
        self.assertEqual(self.mails(self.home), 0)
        house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 0, 10, "an empty queue")

    def test_means_nothing_without_a_filter(self):
        house = self.house
        house.start()
        self.submit_deferred()
        with self.assertRaisesRegex(AssertionError, "--all"):
            house.tool("queue", "remove")
        self.assertIn("no mail is named", house.local("/v1/queue/remove", "POST"))
        self.assertIn("use POST", house.local("/v1/queue/remove?all=yes"))
        with self.assertRaisesRegex(AssertionError, "not known"):
            house.tool("queue", "progress", "1")
        self.assertIn("0 recipients removed", house.tool("queue", "remove", "--older", "1d"))
        self.assertEqual(len(self.rows()), 1)
        self.assertIn("1 recipient removed", house.tool("queue", "remove", "--all"))

    def test_an_order_right_behind_the_250_finds_every_recipient(self):
        """Wherever they are by then: not tried, on a connection, being looked up, or put off; and what is under way is called so."""
        house = self.house
        for number in range(8):
            house.domain(f"busy{number}.test", ["mx.busy.test"])
            house.domain(f"away{number}.test", ["mx.away.test"])
        house.host("mx.away.test")
        house.dns.broken = [f"broken{number}.test" for number in range(8)]
        house.start()
        people = [f"{user}@{kind}{number}.test" for user in "bc" for kind in ("busy", "away", "broken") for number in range(8)]
        for round_number in range(40):
            message = house.submit("a@sender.test", people)
            told = json.loads(house.local(f"/v1/queue/hold?id={message}", "POST"))
            while not told["done"]:
                told = json.loads(house.local(f"/v1/steering/{told['ticket']}"))
            self.assertEqual(told["matched"] + told["under_way"], len(people), round_number)

    def test_copies_the_queue_while_it_works_and_the_copy_is_sound(self):
        house = self.house
        house.start()
        message = self.submit_deferred(users="bcd")
        copy = f"{house.folder}/copy"
        house.tool("queue", "backup", copy)
        house.tool("queue", "check", "--dir", copy)
        with self.assertRaises(AssertionError):
            house.tool("queue", "backup", copy)  # it is there already
        house.tool("queue", "remove", message)
        self.assertEqual(self.rows(), [])

        house.stop()
        shutil.rmtree(f"{house.folder}/data/queue")
        shutil.copytree(copy, f"{house.folder}/data/queue")
        house.start()
        house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 3, 10, "the mail that was copied")

    # ---- what is stopped ----------------------------------------------------------------------------------------
    def test_suspends_a_domain_over_restarts_until_it_is_resumed(self):
        house = self.house
        house.start()
        said = house.tool("suspend", "domain", "good.test", "--for", "2h", "--reason", "they move house")
        self.assertRegex(said, r"^suspended domain good\.test; it lapses in (2h|1h 59m) ")
        message = house.submit("a@sender.test", ["b@good.test"])
        free = house.submit("a@sender.test", ["b@other.test"])
        house.wait_event("delivered", id=free)
        house.wait_for(lambda: self.states() == [("b@good.test", "suspended")], 10, "mail that waits")
        house.wait_for(lambda: house.metric("posthaste_queue_recipients", state="suspended") == 1, 10, "its count")

        house.kill()
        house.start()
        house.wait_for(lambda: house.metric("posthaste_queue_recipients", state="suspended") == 1, 10, "suspended still")
        row, = self.asked("suspensions")["suspensions"]
        self.assertEqual((row["kind"], row["pattern"], row["words"]), ("domain", "good.test", "they move house"))
        self.assertIn("they move house", house.tool("suspensions"))
        self.assertIn("they move house", house.tool("schedule"))
        self.assertEqual(self.mails(self.good), 1)
        self.assertEqual(house.tool("resume", "domain", "good.test"), "1 suspension ended\n")
        house.wait_event("delivered", id=message)

        house.kill()
        house.start()
        self.assertEqual(house.tool("suspensions"), "nothing is suspended\n")

    def test_suspends_whom_a_site_serves_and_what_a_sender_sends(self):
        house = self.house
        house.start()
        house.tool("suspend", "site", "mx.good.test")
        house.tool("suspend", "sender", "news@sender.test")
        served = [house.submit("a@sender.test", [f"b@{domain}.test"]) for domain in ("good", "other")]
        sent = house.submit("news@sender.test", ["b@sender.test"])
        free = house.submit("a@sender.test", ["b@sender.test"])
        house.wait_event("delivered", id=free)
        house.wait_for(lambda: house.metric("posthaste_queue_recipients", state="suspended") == 3, 10, "three that wait")
        self.assertEqual(self.mails(self.good), 0)
        with self.assertRaisesRegex(AssertionError, "not suspended"):
            house.tool("resume", "domain", "good.test")
        self.assertEqual(house.tool("resume", "--all"), "2 suspensions ended\n")
        for message in (*served, sent):
            house.wait_event("delivered", id=message)

    def test_what_a_suspended_site_stops_is_listed_counted_and_steered_as_suspended(self):
        house = self.house
        house.start()
        waits = self.submit_deferred()
        house.tool("suspend", "site", "mx.good.test")
        for sender, domain in (("a", "good"), ("a", "other"), ("news", "other")):
            message = house.submit(f"{sender}@sender.test", [f"{sender}@{domain}.test"])
        house.wait_for(lambda: house.metric("posthaste_queue_recipients", state="suspended") == 3, 10, "three that wait")
        self.assertEqual(self.states("--state", "suspended"), [(f"{user}.test", "suspended") for user in ("a@good", "a@other", "news@other")])
        self.assertEqual(self.states("--state", "ready"), [])
        self.assertEqual(self.states("--state", "waiting"), [("b@busy.test", "waiting")])
        for page in (("queue", "show"), ("trace",)):
            self.assertEqual([each["state"] for each in self.asked(*page, message)["pending"]], ["suspended"], page)
        for found, filters in ((3, ()), (1, ("--sender", "news@sender.test")), (2, ("--domain", "other.test"))):
            self.assertEqual(self.asked("queue", "remove", "--dry-run", "--state", "suspended", *filters)["found"], found, filters)
        self.assertEqual(self.asked("queue", "remove", "--sender", "@sender.test", "--state", "ready")["matched"], 0)
        told = self.asked("queue", "remove", "--sender", "news@sender.test", "--state", "suspended")
        self.assertEqual((told["matched"], told["queue_read"]), (1, True))
        self.assertEqual(self.asked("queue", "remove", "--state", "suspended")["matched"], 2)
        self.assertEqual([row["id"] for row in self.rows()], [waits])
        # Of a domain that is suspended by its name, what is not due waits as well.
        house.tool("suspend", "domain", "busy.test")
        self.assertEqual(self.states(), [("b@busy.test", "waiting")])

    def test_a_suspension_lapses_by_itself(self):
        house = self.house
        house.start()
        house.tool("suspend", "domain", "*.test", "--for", "1s")
        message = house.submit("a@sender.test", ["b@good.test"])
        house.wait_event("delivered", id=message)
        self.assertEqual(self.asked("suspensions")["suspensions"], [])


if __name__ == "__main__":
    unittest.main()
