"""Threads that hang are named in the log, whichever they are, and also where no service manager's watchdog asks."""
import contextlib
import ctypes
import os
import pathlib
import re
import unittest

from house import DAEMON, House

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # waitpid: of threads, too
EPOLL_WAITS = ("232", "281")  # x86-64, and what /proc tells of a thread that waits so
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread):
    if LIBC.ptrace(request, thread, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def loops_of(process):
    """The threads that go round in a loop, but for the main one. Those of the store's library and of the log wait otherwise."""
    threads = []
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        if int(task.name) != process and (task / "syscall").read_text().split()[0] in EPOLL_WAITS:
            threads.append(int(task.name))
    return threads


@contextlib.contextmanager
def hung(threads):
    """As long as they are traced and not let go on."""
    traced = []
    try:
        for thread in threads:
            ptrace(PTRACE_SEIZE, thread)
            ptrace(PTRACE_INTERRUPT, thread)
            os.waitpid(thread, WALL)
            traced.append(thread)
        yield
    finally:
        for thread in traced:
            ptrace(PTRACE_DETACH, thread)


@unittest.skipUnless(DAEMON.exists(), "not built")
@unittest.skipUnless(os.uname().machine == "x86_64", "system calls are known by their numbers on x86-64 alone")
class SeesHungThreads(unittest.TestCase):
    @staticmethod
    def named(house):
        """By the latest word of the log."""
        events = house.events("stuck")
        return re.findall(r"([^;]+?) has been stuck for \d+s(?:; )?", events[-1]["words"]) if events else []

    def test_each_of_them_is_named_until_it_goes_on(self):
        with House() as house:
            house.start()
            everybody = ["worker 0", "worker 1", "the store thread", "the reader of bodies", "the TLS reporter", "the admin thread"]
            # And two who may take as long as they like: who looks at the queue, and who copies it.
            threads = house.wait_for(lambda: len(found := loops_of(house.process.pid)) == len(everybody) + 2 and found, 10, "idle threads")
            try:
                with hung(threads):
                    house.wait_for(lambda: self.named(house) == everybody, 30, "all of them to be named")
            except PermissionError as refused:
                self.skipTest(f"threads cannot be traced here: {refused}")
            house.wait_event("stuck_no_more")
            self.assertEqual(house.get("/healthz"), "ok\n")


if __name__ == "__main__":
    unittest.main()
