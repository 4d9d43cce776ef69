"""kill -9 under load, again and again: what got its 250 is delivered in the end, and second copies are few and explained."""
import collections
import os
import smtplib
import threading
import time
import unittest

from house import House

ROUNDS = int(os.environ.get("POSTHASTE_KILL_ROUNDS", "20"))  # more in script/soak


class SurvivesKill(unittest.TestCase):
    def test_nothing_that_got_its_250_is_lost(self):
        with House({"log": {"level": "warning"}}) as house:
            hosts = [house.receiver(f"mx.d{n}.test") for n in range(4)]
            for n in range(4):
                house.domain(f"d{n}.test", [f"mx.d{n}.test"])
            house.config["retry"]["default"]["intervals"] = ["1s"]
            accepted, lock, done = [], threading.Lock(), threading.Event()
            counter = iter(range(10**9))

            def submitter():
                while not done.is_set():
                    try:
                        with smtplib.SMTP("127.0.0.1", house.submission, local_hostname="x.test", timeout=5) as client:
                            while not done.is_set():
                                with lock:
                                    number = next(counter)
                                size = 200_000 if number % 50 == 0 else 300
                                body = f"X-Number: {number}\r\n\r\n".encode() + (b"x" * 70 + b"\r\n") * (size // 72)
                                client.sendmail("a@sender.test", [f"u{number}@d{number % 4}.test"], body)
                                with lock:
                                    accepted.append(number)
                    except (OSError, smtplib.SMTPException):
                        time.sleep(0.01)

            house.start()
            threads = [threading.Thread(target=submitter) for _ in range(4)]
            for thread in threads:
                thread.start()
            for round_number in range(ROUNDS):
                before = len(accepted)
                house.wait_for(lambda before=before: len(accepted) > before + 100, 60, "load")
                house.kill()
                house.start()
            done.set()
            for thread in threads:
                thread.join()
            house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 0, 120, "the queue to drain")
            copies = collections.Counter()
            for mx in hosts:
                for message in list(mx.messages):
                    copies[int(message["body"].split(b"X-Number: ")[1].split(b"\r\n")[0])] += 1
            lost = [number for number in accepted if copies[number] == 0]
            second = sum(count - 1 for count in copies.values() if count > 1)
            print(f"kill -9 x {ROUNDS}: {len(accepted)} accepted, {len(lost)} lost, {second} second copies "
                  f"(delivered, and killed before the outcome was stored: at most 50 ms of them a round)")
            self.assertEqual(lost, [])
            self.assertLess(second, 200 * ROUNDS)


if __name__ == "__main__":
    unittest.main()
