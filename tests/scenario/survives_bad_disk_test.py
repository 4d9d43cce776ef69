"""A disk that cannot write under the real daemon: it does not go on without its record, but ends, says why, and finds everything
when it is started again on a disk that is whole."""
import os
import pathlib
import unittest

import disk_image
from house import House
from load import Load

ROUNDS = int(os.environ.get("POSTHASTE_BAD_DISK_ROUNDS", "2"))
IO_ERROR = 74  # EX_IOERR of sysexits.h


@unittest.skipIf(disk_image.lacking(), disk_image.lacking() or "")
class SurvivesBadDisk(unittest.TestCase):
    def test_ends_with_words_and_finds_everything_when_it_is_started_again(self):
        with House({"log": {"level": "warning"}}) as house, Load(house) as load:
            disk = disk_image.DiskImage(house.folder, 512)
            house.config["data_dir"] = f"{disk.path}/data"
            house.config["retry"]["default"]["intervals"] = ["1s"]
            try:
                house.start()
                load.begin()
                for number in range(1, ROUNDS + 1):
                    load.wait_for_more()
                    disk.go_bad(self.log_of_the_queue(disk))
                    self.ends_with_words(house, number)
                    disk.mend()
                    house.start()
                load.wait_for_more()
                load.end()
                lost, second = load.account()
                print(f"bad disk x {ROUNDS}: {len(load.accepted)} accepted, {len(lost)} lost, {second} second copies")
                self.assertEqual(lost, [])
                self.assertLess(second, 400 * ROUNDS, "outcomes that could not be recorded, and no others")
            finally:
                house.stop()
                disk.close()

    @staticmethod
    def log_of_the_queue(disk):
        """What the store writes every message and every outcome to."""
        return max(pathlib.Path(disk.path, "data").rglob("*.log"), key=lambda path: path.stat().st_mtime_ns)

    def ends_with_words(self, house, times):
        house.wait_for(lambda: house.process.poll() is not None, 60, "the daemon to end")
        self.assertEqual(house.process.returncode, IO_ERROR, house.log_text()[-5000:])
        stuck = house.events("store_stuck")
        self.assertEqual(len(stuck), times)
        self.assertIn("error", stuck[-1]["words"])


if __name__ == "__main__":
    unittest.main()
