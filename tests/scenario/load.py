"""Load: submitters that never rest, numbered mail, and an account of what got its 250 and what arrived."""
import collections
import smtplib
import threading
import time


class Load:
    """Four submitters, to four domains. Every fiftieth message is large enough to be streamed into the queue in pieces.

        with Load(house) as load:
            house.start(); load.begin(); …; load.end()
            lost, second = load.account()
    """

    def __init__(self, house, submitters=4, domains=4):
        self.house, self.domains = house, domains
        self.hosts = [house.receiver(f"mx.d{n}.test") for n in range(domains)]
        for n in range(domains):
            house.domain(f"d{n}.test", [f"mx.d{n}.test"])
        self.accepted, self.lock, self.done, self.numbers = [], threading.Lock(), threading.Event(), 0
        self.copies = collections.Counter()
        self.threads = [threading.Thread(target=self.submit) for _ in range(submitters)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def begin(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.done.set()
        for thread in self.threads:
            if thread.ident:
                thread.join()

    def next_number(self):
        with self.lock:
            self.numbers += 1
            return self.numbers

    def submit(self):
        while not self.done.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.house.submission, local_hostname="x.test", timeout=5) as client:
                    while not self.done.is_set():
                        number = self.next_number()
                        size = 200_000 if number % 50 == 0 else 300
                        body = f"X-Number: {number}\r\n\r\n".encode() + (b"x" * 70 + b"\r\n") * (size // 72)
                        client.sendmail("a@sender.test", [f"u{number}@d{number % self.domains}.test"], body)
                        with self.lock:
                            self.accepted.append(number)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.01)

    def wait_for_more(self, count=100):
        before = len(self.accepted)
        self.house.wait_for(lambda: len(self.accepted) > before + count, 60, "load")

        self.harvest()

    def harvest(self):
        """Counts what has arrived and lets go of it: a thousand rounds would fill the memory."""
        for mx in self.hosts:
            while mx.messages:
                body = mx.messages.pop()["body"]
                self.copies[int(body.split(b"X-Number: ")[1].split(b"\r\n")[0])] += 1

    def account(self):
        """(numbers that got their 250 and never arrived, how many second copies there are), once the queue is empty."""
        self.house.wait_for(lambda: self.house.metric("posthaste_queue_recipients") == 0, 120, "the queue to drain")
        self.harvest()
        lost = [number for number in self.accepted if self.copies[number] == 0]
        return lost, sum(count - 1 for count in self.copies.values() if count > 1)
