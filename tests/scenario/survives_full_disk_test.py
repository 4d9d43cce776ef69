"""A disk that runs full under the real daemon: new mail is refused in time, what is under way is not sent twice while its outcome
cannot be stored, and it goes on by itself when there is room again."""
import collections
import os
import smtplib
import threading
import unittest

import disk_image
from house import House

QUEUED = 1500


class FullDisk:
    """What somebody else fills a file system with."""

    def __init__(self, folder):
        self.folder, self.path = folder, f"{folder}/filler"

    def free(self):
        facts = os.statvfs(self.folder)
        return facts.f_bavail * facts.f_frsize

    def fill(self, leaving):
        """Leaves so many bytes, or none at all."""
        with open(self.path, "ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                while self.free() > leaving:
                    try:
                        if file.write(b"x" * min(size, self.free() - leaving)) == 0:
                            break
                    except OSError:
                        break
            os.fsync(file.fileno())

    def empty(self):
        os.unlink(self.path)


@unittest.skipIf(disk_image.lacking(), disk_image.lacking() or "")
class SurvivesFullDisk(unittest.TestCase):
    def test_refuses_in_time_sends_nothing_twice_and_goes_on(self):
        with House({"queue": {"min_free_space": "64MiB"}, "log": {"level": "info"}}) as house:
            disk = disk_image.DiskImage(house.folder, 512)
            house.config["data_dir"] = f"{disk.path}/data"
            house.config["retry"]["default"]["intervals"] = ["2s"]
            closed = threading.Event()
            closed.set()
            mx = house.receiver("mx.full.test", rcpt=lambda _: "450 4.1.8 not now" if closed.is_set() else "250 2.1.5 ok")
            house.domain("full.test", ["mx.full.test"])
            full = FullDisk(disk.path)
            try:
                house.start()
                self.fill_the_queue(house)
                self.below_the_floor(house, full)
                self.to_the_last_byte(house, full, mx, closed)
            finally:
                house.stop()
                disk.close()

    def fill_the_queue(self, house):
        with smtplib.SMTP("127.0.0.1", house.submission, local_hostname="x.test", timeout=30) as client:
            for number in range(QUEUED):
                client.sendmail("a@sender.test", [f"u{number}@full.test"], f"X-Number: {number}\r\n\r\nx\r\n")
        house.wait_for(lambda: len(house.events("deferred")) >= QUEUED, 60, "every message's first attempt")

    def below_the_floor(self, house, full):
        def refusal():
            full.fill(leaving=48 << 20)  # again, as the daemon makes room where it can: it writes out what it has in memory
            try:
                house.submit("a@sender.test", ["late@full.test"])
            except smtplib.SMTPResponseException as refused:
                return refused
            return None

        refused = house.wait_for(refusal, 30, "a refusal")
        self.assertEqual(refused.smtp_code, 452, refused)
        full.empty()
        # Without a restart, and as soon as the room is noticed.
        house.wait_for(lambda: self.accepted(house), 30, "mail to be taken again")

    @staticmethod
    def accepted(house):
        try:
            return house.submit("a@sender.test", ["again@full.test"])
        except smtplib.SMTPException:
            return None

    def to_the_last_byte(self, house, full, mx, closed):
        full.fill(leaving=0)
        before = len(mx.messages)
        closed.clear()  # whatever the daemon begins now is delivered, and where is its outcome to go?
        house.wait_for(lambda: len(mx.messages) > before, 60, "deliveries on a full disk")
        house.wait_for(lambda: len(mx.messages) >= QUEUED or house.events("store_trouble"), 60,
                       "all of it delivered, or deliveries stopped for want of room")
        stopped = bool(house.events("store_trouble"))
        at_full = len(mx.messages)
        full.empty()
        house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 0, 90, "the queue to drain")
        copies = collections.Counter(self.number_of(message) for message in mx.messages)
        print(f"full to the last byte: {at_full} delivered meanwhile, deliveries {'stopped' if stopped else 'went on'}; "
              f"{sum(copies.values())} in the end")
        self.assertEqual([n for n in range(QUEUED) if copies[str(n)] != 1], [], "each once, and only once")
        # The log of the queue is allocated ahead, which is room for outcomes on a full disk. Where it was not enough:
        self.assertEqual(stopped, bool(house.events("store_recovered")))

    @staticmethod
    def number_of(message):
        head = message["body"].split(b"X-Number: ")
        return head[1].split(b"\r\n")[0].decode() if len(head) > 1 else "other"


if __name__ == "__main__":
    unittest.main()
