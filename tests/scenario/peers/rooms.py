"""Rooms: where a mail server from a Debian package runs as if it were installed, and leaves nothing behind.

A room is a mount namespace and a process namespace of its own. The package's /usr lies over the system's, the users that
the package would have made stand in a private /etc/passwd, and /var/spool, /var/lib and /run are empty. Its first process
is the shell that furnished it: when that is killed, the kernel ends all others and takes every mount with it. That also
happens when the test ends without a word. (A server must not be the first process itself: the kernel forgets whose death
a process wanted to follow when it changes its user.)

Needs root, and a kernel that permits mounts: see why_not().
"""
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "posthaste/peers"
PROGRAMS = {"postfix": "usr/sbin/postfix", "opensmtpd": "usr/sbin/smtpd", "exim4-daemon-light": "usr/sbin/exim4",
            "haraka": "node_modules/Haraka/bin/haraka"}
# name: (uid, gid, home). "mailbox" is the one whose mail is delivered.
USERS = {"postfix": (61001, 61001, "/nonexistent"), "postdrop": (61002, 61002, "/nonexistent"),
         "opensmtpd": (61003, 61003, "/var/lib/opensmtpd/empty"), "opensmtpq": (61004, 61004, "/nonexistent"),
         "mailbox": (61005, 61005, "/nonexistent"), "Debian-exim": (61006, 61006, "/nonexistent")}
MAILBOX_UID = USERS["mailbox"][0]

FURNISH = """
set -eu
mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr
mount --bind "$2/passwd" /etc/passwd
mount --bind "$2/group" /etc/group
for place in /var/spool /var/lib /run; do mount -t tmpfs -o mode=755 tmpfs "$place"; done
mkdir -p -m 711 /var/spool/smtpd /var/lib/opensmtpd /var/lib/opensmtpd/empty
shift 2
exec 3<&0
"$@" <&3 3<&- &  # without the detour its input would be /dev/null
wait $!
"""


def command(package, folder, words):
    """What to execute, so that `words` run in a room of `package`. `folder` is the caller's, and belongs to this room."""
    with_users(folder)
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "sh", "-c", FURNISH, "room", str(CACHE / package), str(folder), *map(str, words)]


def with_users(folder):
    for name, line in (("passwd", "{0}:x:{1}:{2}::{3}:/usr/sbin/nologin"), ("group", "{0}:x:{2}:")):
        kept = [entry for entry in pathlib.Path("/etc", name).read_text().splitlines() if entry.split(":")[0] not in USERS]
        made = [line.format(user, *values) for user, values in USERS.items()]
        pathlib.Path(folder, name).write_text("\n".join(kept + made) + "\n")


@functools.cache
def why_not(package):
    """Why there can be no room of this package here, or None."""
    if not (CACHE / package / PROGRAMS[package]).exists():
        needs = ", where npm and node (from version 20) are" if package == "haraka" else ""
        return f"{package} is not unpacked: run script/bootstrap, or tests/scenario/peers/unpack{needs}"
    if os.geteuid() != 0:
        return f"{package} runs in a mount namespace of its own, and that needs root"
    if package == "haraka":  # it needs no room
        return None if shutil.which("node") else "haraka needs node, from version 20"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(command(package, folder, ["sh", "-c", ">/run/x && chown mailbox /run/x"]), capture_output=True, text=True)
    if tried.returncode != 0:
        return f"{package} cannot have a mount namespace and users of its own here: {tried.stderr.strip()}"
    return None


def start(package, folder, words, log):
    return subprocess.Popen(command(package, folder, words), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def end(process):
    """Everything in the room is gone when this returns: the first process is waited for, and it outlives all others."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    first = children.read_text().split() if process.poll() is None else []
    for each in map(int, first):
        os.kill(each, signal.SIGKILL)
    if not first:
        process.kill()
    process.wait()


if __name__ == "__main__":  # a quick answer for whoever wonders why a test was skipped
    for each in PROGRAMS:
        print(f"{each}: {why_not(each) or 'ready'}")
    sys.exit(any(why_not(each) for each in PROGRAMS))
