"""`posthaste rehearse` with every scenario that is shipped: it ends well, and its figures add up."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from house import TOOL

ROOT = pathlib.Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "packaging/rehearsal").glob("*.yaml"))
STRIP_DAY = ROOT / "packaging/rehearsal/strip-day.yaml"
# Half a million messages, and many attempts: as they are shipped, a matter for an optimised build.
LARGE = ("mass-outage-week", "greylisting")
WHOLE = bool(os.environ.get("POSTHASTE_REHEARSE_WHOLE"))


@unittest.skipUnless(TOOL.exists(), "not built")
class Rehearses(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="posthaste-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def written(self, name, text):
        path = pathlib.Path(self.folder, name)
        path.write_text(text)
        return path

    def rehearse(self, scenario, *options):
        command = [TOOL, "rehearse", "--config", ROOT / "config/posthaste.yaml", "--scenario", scenario, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), scenario)
        return done.stdout

    def scenario(self, path):
        """As it is shipped, or with a fiftieth of its mail."""
        if path.stem not in LARGE or WHOLE:
            return path
        less = re.sub(r"(messages_per_hour: )(\d+)", lambda found: f"{found[1]}{int(found[2]) // 50}", path.read_text())
        return self.written(path.name, less)

    def adds_up(self, told):
        everybody = told["all"]
        self.assertGreater(told["messages"], 0)
        self.assertGreaterEqual(everybody["recipients"], told["messages"])
        for part in (everybody, *told["domains"]):
            ends = sum(part[end] for end in ("delivered", "bounced", "expired", "queued"))
            self.assertEqual(ends, part["recipients"], part.get("name", "all"))
            self.assertEqual(part["verified"] + part["unverified"] + part["plaintext"], part["delivered"])
        for figure in ("recipients", "delivered", "queued", "late"):
            self.assertEqual(sum(part[figure] for part in told["domains"]), everybody[figure], figure)
        self.assertEqual(sum(column["submitted"] for column in told["over_time"]), everybody["recipients"])
        self.assertEqual(sum(column["delivered"] for column in told["over_time"]), everybody["delivered"])
        self.assertEqual(told["over_time"][-1]["queued"], everybody["queued"])

    def test_every_shipped_scenario_ends_well_and_adds_up(self):
        self.assertTrue(SCENARIOS)
        for path in SCENARIOS:
            with self.subTest(path.stem):
                begun = time.monotonic()
                told = json.loads(self.rehearse(self.scenario(path), "--json"))
                print(f"{path.stem}: {told['messages']} messages in {time.monotonic() - begun:.1f} s")
                self.adds_up(told)
                self.assertEqual(told["title"], re.search(r"(?m)^title: (.+)$", path.read_text())[1])

    def test_the_same_seed_gives_the_same_to_the_last_digit(self):
        told = [self.rehearse(STRIP_DAY, "--json", "--seed", seed) for seed in ("7", "7", "8")]
        self.assertEqual(told[0], told[1])
        self.assertNotEqual(told[0], told[2])

    def test_two_configurations_differ_on_the_day_of_the_strip(self):
        """Where TLS is demanded of everybody, what is stripped waits; where it is not, some of it goes in plaintext."""
        strict = self.written("strict.yaml", "tls: {default: {level: encrypt}}\n")
        told = json.loads(self.rehearse(STRIP_DAY, "--json", "--against", strict))
        for side in ("one", "other"):
            self.adds_up(told[side])
        self.assertEqual(told["other"]["config"], "strict.yaml")
        self.assertEqual(told["one"]["all"]["recipients"], told["other"]["all"]["recipients"], "the very same mail")
        self.assertGreater(told["one"]["all"]["plaintext"], 0)
        self.assertEqual(told["other"]["all"]["plaintext"], 0)
        self.assertGreater(told["other"]["all"]["late"], told["one"]["all"]["late"])
        text = self.rehearse(STRIP_DAY, "--against", strict)
        self.assertRegex(text, r"plaintext.*better")
        self.assertRegex(text, r"late.*worse")


if __name__ == "__main__":
    unittest.main()
