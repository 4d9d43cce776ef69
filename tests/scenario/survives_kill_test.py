"""kill -9 under load, again and again: what got its 250 is delivered in the end, and second copies are few and explained."""
import os
import unittest

from house import House
from load import Load

ROUNDS = int(os.environ.get("POSTHASTE_KILL_ROUNDS", "20"))  # more in script/soak


class SurvivesKill(unittest.TestCase):
    def test_nothing_that_got_its_250_is_lost(self):
        with House({"log": {"level": "warning"}}) as house, Load(house) as load:
            house.config["retry"]["default"]["intervals"] = ["1s"]
            house.start()
            load.begin()
            for number in range(ROUNDS):
                load.wait_for_more()
                house.kill()
                house.start()
                if ROUNDS >= 50 and (number + 1) % 50 == 0:
                    print(f"kill {number + 1} of {ROUNDS}: {len(load.accepted)} accepted", flush=True)
            load.end()
            lost, second = load.account()
            print(f"kill -9 x {ROUNDS}: {len(load.accepted)} accepted, {len(lost)} lost, {second} second copies "
                  f"(delivered, and killed before the outcome was stored: at most 50 ms of them a round)")
            self.assertEqual(lost, [])
            self.assertLess(second, 200 * ROUNDS)


if __name__ == "__main__":
    unittest.main()
