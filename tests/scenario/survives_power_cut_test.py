"""Power cuts under load, with the real daemon on a disk image of its own: what got its 250 is delivered in the end. And the test
itself is tested: with queue.sync off, mail is lost."""
import contextlib
import os
import unittest

import disk_image
from house import House
from load import Load

ROUNDS = int(os.environ.get("POSTHASTE_CUT_ROUNDS", "5"))  # a thousand in script/soak
MEGABYTES = 512


@contextlib.contextmanager
def on_a_disk_of_its_own(house):
    disk = disk_image.DiskImage(house.folder, MEGABYTES)
    house.config["data_dir"] = f"{disk.path}/data"
    house.config["log"]["level"] = "warning"
    house.config["retry"]["default"]["intervals"] = ["1s"]
    try:
        yield disk
    finally:
        if house.process:
            house.stop()
        disk.close()


def cut_again_and_again(house, disk, load, rounds):
    house.start()
    load.begin()
    for number in range(rounds):
        load.wait_for_more()
        house.kill()
        if number % 2:  # what the killed one had not synced is in the kernel's hands yet when the power goes
            house.start()
            load.wait_for_more(30)
            house.kill()
        disk.cut_power()
        house.start()
        if rounds >= 50 and (number + 1) % 10 == 0:
            print(f"power cut {number + 1} of {rounds}: {len(load.accepted)} accepted", flush=True)
    load.end()
    return load.account()


@unittest.skipIf(disk_image.lacking(), disk_image.lacking() or "")
class SurvivesPowerCut(unittest.TestCase):
    def test_nothing_that_got_its_250_is_lost(self):
        with House() as house, on_a_disk_of_its_own(house) as disk, Load(house) as load:
            lost, second = cut_again_and_again(house, disk, load, ROUNDS)
            print(f"power cut x {ROUNDS}: {len(load.accepted)} accepted, {len(lost)} lost, {second} second copies")
            self.assertEqual(lost, [])
            self.assertLess(second, 400 * ROUNDS)

    def test_without_the_sync_mail_would_be_lost(self):
        with House({"queue": {"sync": False}}) as house, on_a_disk_of_its_own(house) as disk, Load(house) as load:
            for host in load.hosts:  # so that there is mail in the queue when the power goes
                host.close()
            house.start()
            load.begin()
            load.wait_for_more(300)
            house.kill()
            disk.cut_power()
            load.end()
            house.start()
            kept = house.metric("posthaste_queue_recipients")
            print(f"without the sync: {len(load.accepted)} accepted, {kept:.0f} of them there after the cut")
            self.assertLess(kept, len(load.accepted))


if __name__ == "__main__":
    unittest.main()
