"""The operator's tool `posthaste` against a daemon that lives, and one that does not: what it says, as text and as JSON, and
its exit status."""
import json
import os
import re
import subprocess
import unittest

from house import DAEMON, TOOL, House

DONE, FAILED, NOT_UNDERSTOOD = 0, 1, 2


def run(*words, content=None, **options):
    """The tool's (exit status, output, errors)."""
    done = subprocess.run([TOOL, *words], input=content, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TZ": "UTC"}, **options)
    return done.returncode, done.stdout, done.stderr


@unittest.skipUnless(TOOL.exists(), f"{TOOL} is not built")
class Tool(unittest.TestCase):
    """One house for all of them: one message delivered, one deferred, one bounced."""

    @classmethod
    def setUpClass(cls):
        cls.house = house = House({"tls": {"domains": [{"match": ["strict.test"], "level": "encrypt"}]}})
        try:
            for domain, behaviour in (("good.test", {"starttls": house.tls(name="mx.good.test")}),
                                      ("busy.test", {"rcpt": "451 4.7.1 come back later"}),
                                      ("nobody.test", {"rcpt": "550 5.1.1 no such user"}), ("sender.test", {})):
                house.receiver(f"mx.{domain}", **behaviour)
                house.domain(domain, [f"mx.{domain}"])
            house.start()
            cls.delivered = house.submit("a@sender.test", ["b@good.test"])
            cls.deferred = house.submit("a@sender.test", ["b@busy.test", "c@busy.test"])
            cls.bounced = house.submit("a@sender.test", ["b@nobody.test"])
            house.wait_event("delivered", id=cls.delivered)
            house.wait_event("bounced", id=cls.bounced)
            house.wait_event("deferred", id=cls.deferred, to="b@busy.test")
            house.wait_event("deferred", id=cls.deferred, to="c@busy.test")
            cls.config = f"{house.folder}/posthaste.yaml"
            house.wait_for(lambda: len(cls.asked("queue", "list")["recipients"]) == 2, 10, "the bounce, and the record of it all")
            house.wait_for(lambda: house.metric("posthaste_queue_recipients", state="in_flight") == 0, 10, "idleness")
        except BaseException:
            house.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.house.close()

    @classmethod
    def asked(cls, *words):
        """The JSON answer."""
        status, out, err = run("--socket", cls.house.socket, "--json", *words)
        assert status == DONE, (words, status, out, err)
        return json.loads(out)

    def told(self, *words, status=DONE):
        got, out, err = run("--socket", self.house.socket, *words)
        self.assertEqual(got, status, (words, out, err))
        self.assertNotIn("\x1b", out, "no colour where there is no terminal")
        return out if status == DONE else err

    # ---- status, queue, trace, schedule -------------------------------------------------------------------------
    def test_status(self):
        self.house.wait_for(lambda: self.asked("status")["queue"]["in_flight"] == 0, 10, "what other tests sent")
        answer = self.asked("status")
        self.assertEqual((answer["hostname"], answer["ready"], answer["healthy"], answer["workers"]), ("mta.test", True, True, 2))
        self.assertEqual(answer["queue"]["waiting"], 2)
        text = self.told("status")
        self.assertRegex(text, r"^posthasted \S+ on mta\.test\n")
        self.assertRegex(text, r"queue +2 waiting, 0 ready, 0 in flight")
        self.assertIn(f"127.0.0.1:{self.house.submission} (none)", text)

    def test_queue_list_and_its_filters(self):
        rows = self.asked("queue", "list")["recipients"]
        self.assertEqual([(row["id"], row["recipient"], row["sender"], row["attempts"]) for row in rows],
                         [(self.deferred, f"{user}@busy.test", "a@sender.test", 1) for user in "bc"])
        for row in rows:
            self.assertEqual((row["state"], row["class"]), ("waiting", "greylist"))
            self.assertIn("451 4.7.1 come back later", row["why"])
        text = self.told("queue", "list")
        self.assertRegex(text, rf"(?m)^{self.deferred} +\d+ +a@sender\.test +b@busy\.test +1 +\S")
        self.assertEqual(len(self.asked("queue", "list", "--domain", "busy.test")["recipients"]), 2)
        self.assertEqual(self.asked("queue", "list", "--domain", "good.test")["recipients"], [])
        self.assertEqual(len(self.asked("queue", "list", "--sender", "a@sender.test")["recipients"]), 2)
        self.assertEqual(self.asked("queue", "list", "--sender", "<>")["recipients"], [])
        self.assertIn("nothing is queued that fits", self.told("queue", "list", "--sender=<>"))
        page = self.asked("queue", "list", "--limit", "1")
        self.assertEqual(len(page["recipients"]), 1)
        self.assertTrue(page["next"])
        self.assertIn("--limit", self.told("queue", "list", "--limit", "1"))

    def test_queue_show(self):
        answer = self.asked("queue", "show", self.deferred)
        self.assertEqual((answer["id"], answer["sender"], answer["recipients_total"]), (self.deferred, "a@sender.test", 2))
        self.assertEqual([row["recipient"] for row in answer["pending"]], ["b@busy.test", "c@busy.test"])
        text = self.told("queue", "show", self.deferred)
        for words in (f"message {self.deferred}", "a@sender.test", "2 recipients, 2 still pending", "451 4.7.1 come back later"):
            self.assertIn(words, text)

    def test_what_is_not_queued_is_not_found(self):
        for word in (self.delivered, "0000000000001"):
            self.assertRegex(self.told("queue", "show", word, status=FAILED), "^posthaste: .")
        status, out, _ = run("--socket", self.house.socket, "--json", "queue", "show", self.delivered)
        self.assertEqual(status, FAILED)
        self.assertIn("error", json.loads(out))
        self.told("queue", "show", "no-such-id", status=FAILED)
        self.told("trace", "../status", status=FAILED)

    def test_trace_tells_what_happened_and_what_will(self):
        kinds = {word: [event["kind"] for event in self.asked("trace", word)["events"]]
                 for word in (self.delivered, self.deferred, self.bounced)}
        self.assertEqual(kinds, {self.delivered: ["accepted", "delivered"], self.deferred: ["accepted", "deferred", "deferred"],
                                 self.bounced: ["accepted", "bounced"]})
        event = self.asked("trace", self.delivered)["events"][1]
        self.assertIn("mx.good.test", event["host"])
        self.assertIn("TLSv1.3", event["tls"])
        text = self.told("trace", self.delivered)
        self.assertIn("has ended", text)
        self.assertIn("delivered b@good.test (attempt 1)", text)
        text = self.told("trace", self.deferred)
        for words in ("is queued for 2 recipients", "still to come", "451 4.7.1 come back later", "attempt 2"):
            self.assertIn(words, text)
        self.assertIn("550 5.1.1 no such user", self.told("trace", self.bounced))

    def test_schedule(self):
        answer = self.asked("schedule")
        self.assertEqual((answer["waiting"], answer["by_class"]["greylist"], answer["destinations_total"] >= 1), (2, 2, True))
        self.assertEqual({row["within"]: row["recipients"] for row in answer["due"] if row["recipients"]}, {"1h": 2})
        text = self.told("schedule")
        self.assertRegex(text, r"(?m)^  1h +2 g+$")
        self.assertRegex(text, r"(?m)^busy\.test +2 +0 +0 ")
        self.assertRegex(text, r"(?m)^waiting because\n  g greylist +2  greylisted$")

    # ---- policy, configuration ----------------------------------------------------------------------------------
    def test_tls_explain_names_the_origin_of_every_field(self):
        fields = {row["field"]: row for row in self.asked("tls", "explain", "strict.test")["fields"]}
        self.assertEqual(fields["level"]["value"], "encrypt")
        self.assertNotIn("built-in", fields["level"]["origin"])
        other = {row["field"]: row for row in self.asked("tls", "explain", "other.test")["fields"]}
        self.assertEqual((other["level"]["value"], other["level"]["origin"]), ("may", "built-in"))
        self.assertRegex(self.told("tls", "explain", "strict.test"), r"(?m)^level +encrypt ")
        self.told("tls", "explain", "not a domain", status=FAILED)

    def test_tls_explain_shows_each_host_and_the_next_attempt(self):
        answer = self.asked("tls", "explain", "good.test")
        self.assertEqual([host["host"] for host in answer["hosts"]], ["mx.good.test"])
        text = self.told("tls", "explain", "good.test")
        self.assertIn(f"mx.good.test:{self.house.port}", text)
        self.assertRegex(text, r"next: modern")
        self.assertRegex(text, r"(?m)^mx\.good\.test +\S+ +modern +may +operator$")

    def test_tls_memory_is_shown_and_forgotten(self):
        page = self.asked("tls", "memory", "--limit", "1")
        address, = (entry["subject"].split(":")[0] for entry in page["entries"])
        self.assertIsNone(page["next"], "that was all")
        self.assertRegex(self.told("tls", "memory"), rf"(?m)^{re.escape(address)}:{self.house.port} +\w+ +.* rung 1 works$")
        self.assertEqual(self.told("tls", "forget", address), f"1 note about {address} forgotten\n")
        self.assertIn("nothing is remembered", self.told("tls", "memory"))
        self.assertIn("nothing was remembered", self.told("tls", "forget", "mx.nowhere.test"))

    def test_tls_report_tells_a_day(self):
        self.house.wait_for(lambda: run("--socket", self.house.socket, "tls", "report", "good.test")[0] == DONE, 10, "its count")
        told, = self.asked("tls", "report", "good.test")["policies"]
        sessions = told["summary"]["total-successful-session-count"]  # others here send to it, too, perhaps on a connection of their own
        self.assertGreaterEqual(sessions, 1)
        self.assertRegex(self.told("tls", "report", "good.test"), rf"sessions +{sessions} came up, 0 failed")
        self.assertIn("nothing was counted", self.told("tls", "report", "good.test", "--day", "2020-01-01", status=FAILED))
        self.told("tls", "report", "good.test", "--day", "yesterday", status=FAILED)

    def test_config_check_says_where_and_what(self):
        self.assertRegex(run("config", "check", self.config)[1], r": ok\n$")
        self.assertEqual(run("config", "check", self.config)[0], DONE)
        bad = f"{self.house.folder}/bad.yaml"
        with open(bad, "w", encoding="utf-8") as file:
            file.write("hostname: mta.test\nretry:\n  default: { intervalls: [1m] }\n")
        status, out, err = run("config", "check", bad)
        self.assertEqual(status, FAILED)
        self.assertRegex(out, rf"{bad}:3:\d+: .*intervalls.*intervals")
        self.assertIn("1 error", err)
        status, out, _ = run("--json", "config", "check", bad)
        self.assertEqual((status, json.loads(out)["ok"]), (FAILED, False))
        self.assertEqual(run("config", "check", f"{self.house.folder}/none.yaml")[0], FAILED)

    def test_config_show_gives_a_file_that_means_the_same(self):
        shown = self.told("config", "show")
        self.assertIn("mta.test", shown)
        again = f"{self.house.folder}/again.yaml"
        with open(again, "w", encoding="utf-8") as file:
            file.write(shown)
        self.assertEqual(run("config", "check", again)[0], DONE, run("config", "check", again))
        self.assertEqual(run("--config", again, "config", "show")[1], shown)
        self.assertEqual(run("--config", self.config, "config", "show")[1], shown)

    def test_config_schema_accepts_the_configuration(self):
        import jsonschema
        schema = json.loads(run("config", "schema")[1])
        jsonschema.validate(self.house.config, schema)
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate({"hostnam": "x"}, schema)
        self.assertIn("retry", run("config", "reference")[1])

    # ---- sending ------------------------------------------------------------------------------------------------
    def test_send_submits_by_smtp_and_says_the_id(self):
        mx = next(receiver for receiver in self.house.receivers if receiver.name == "mx.good.test")
        before = len(mx.messages)
        status, out, err = run("--config", self.config, "send", "--from", "a@sender.test", "--to", "x@good.test",
                               "--to", "y@good.test", content="Subject: by hand\n\n.\nwith a dot\n")
        self.assertEqual(status, DONE, err)
        word = re.search(r"queued as (\w+)", out).group(1)
        self.house.wait_event("delivered", id=word)
        body = mx.messages[before]["body"]
        self.assertEqual(mx.messages[before]["recipients"], ["x@good.test", "y@good.test"])
        self.assertTrue(body.endswith(b"\r\n\r\n.\r\nwith a dot\r\n"))
        self.assertIn(b"Subject: by hand\r\n", body)
        status, out, _ = run("--json", "send", "--server", f"127.0.0.1:{self.house.submission}", "--from", "<>",
                             "--to", "z@good.test", content="only a body\n")
        self.assertEqual(status, DONE)
        self.assertIn("queued as", json.loads(out)["reply"])

    def test_send_says_what_the_server_refused(self):
        status, _, err = run("send", "--server", "127.0.0.1:1", "--from", "<>", "--to", "z@good.test", content="x\n")
        self.assertEqual(status, FAILED)
        self.assertIn("127.0.0.1:1", err)
        self.assertEqual(run("send", "--from", "no address", "--to", "z@good.test", content="x\n")[0], NOT_UNDERSTOOD)
        self.assertEqual(run("send", "--from", "a@sender.test", content="x\n")[0], NOT_UNDERSTOOD)

    # ---- being wrong --------------------------------------------------------------------------------------------
    def test_what_is_not_understood(self):
        for words in ((), ("queue",), ("qeue", "list"), ("queue", "list", "--limit", "0"), ("queue", "list", "--limit", "x"),
                      ("status", "more"), ("trace",), ("status", "--no-such-option")):
            with self.subTest(words=words):
                status, out, err = run("--socket", self.house.socket, *words)
                self.assertEqual((status, out), (NOT_UNDERSTOOD, ""))
                self.assertTrue(err.startswith("posthaste: "), err)
        self.assertIn("queue list", run("qeue", "list")[2], "the nearest word")

    def test_help_and_version(self):
        status, out, _ = run("--help")
        self.assertEqual(status, DONE)
        for command in ("status", "queue list", "queue show", "trace", "schedule", "tls explain", "tls probe", "tls memory", "tls forget", "tls report", "send", "config check"):
            self.assertIn(command, out)
        self.assertIn("--limit", run("queue", "list", "--help")[1])
        version = subprocess.run([DAEMON, "--version"], capture_output=True, text=True, timeout=60).stdout.split()[-1]
        self.assertEqual(run("--version")[:2], (DONE, f"posthaste {version}\n"))

    def test_a_full_disk_behind_standard_output_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([TOOL, "--socket", self.house.socket, "status"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertNotEqual(done.returncode, DONE)


@unittest.skipUnless(TOOL.exists(), f"{TOOL} is not built")
class NoDaemon(unittest.TestCase):
    def test_a_daemon_that_does_not_run_is_said_so(self):
        with House() as house:
            for words in (("status",), ("queue", "list"), ("trace", "0000000000001"), ("schedule",), ("tls", "explain", "a.test")):
                status, out, err = run("--socket", house.socket, *words)
                self.assertEqual((status, out), (FAILED, ""))
                self.assertIn(f"cannot reach posthasted at {house.socket}: is it running?", err)
            status, _, err = run("--config", house.write_config(), "status")
            self.assertEqual(status, FAILED)
            self.assertIn(house.socket, err, "the socket that the configuration names")

    def test_one_that_was_stopped_and_one_that_comes_back(self):
        with House() as house:
            house.start()
            self.assertEqual(run("--socket", house.socket, "status")[0], DONE)
            house.stop()
            self.assertEqual(run("--socket", house.socket, "status")[0], FAILED)
            house.start()
            self.assertEqual(run("--socket", house.socket, "status")[0], DONE)
            house.kill()
            self.assertEqual(run("--socket", house.socket, "status")[0], FAILED)
            house.start()  # over the socket that the killed one left
            self.assertEqual(run("--socket", house.socket, "status")[0], DONE)


if __name__ == "__main__":
    unittest.main()
