"""DiskImage: an ext4 file system of its own behind a loop device, so that a power cut can be rehearsed: what the file system had
sent to its "disk" when the image was copied is there afterwards; what was dirty in memory is gone. Finds a missing sync, not a
disk that lies. And a disk that goes bad: the device is made to end where it did not end before, and gives EIO behind that, with no
device mapper needed. Needs root and loop devices."""
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess

FIBMAP = 1  # linux/fs.h


def lacking():
    """What this machine lacks for it; None: nothing."""
    if os.geteuid() != 0:
        return "an image can be mounted by root alone"
    if not pathlib.Path("/dev/loop-control").exists():
        return "there are no loop devices here"
    if subprocess.run(["losetup", "-f"], capture_output=True, check=False).returncode != 0:
        return "no loop device is to be had here"
    return None


class DiskImage:
    """Mounted at .path until close()."""

    def __init__(self, folder, megabytes):
        self.image, self.path = f"{folder}/disk.img", f"{folder}/disk"
        with open(self.image, "wb") as image:
            image.truncate(megabytes << 20)
        # Without lazy initialisation, which would go on writing behind the copies.
        self.run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-m", "0", self.image)
        os.mkdir(self.path)
        self.mounted = False
        self.mount()

    @staticmethod
    def run(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def mount(self):
        self.run("mount", "-o", "loop", self.image, self.path)
        self.mounted = True

    def unmount(self):
        self.run("umount", self.path)
        self.mounted = False

    def cut_power(self):
        """What is on the disk at this moment is all that there is from now on. Nobody may have a file of it open."""
        self.run("cp", "--sparse=always", self.image, f"{self.image}.cut")
        self.unmount()
        os.rename(f"{self.image}.cut", self.image)
        self.mount()

    def go_bad(self, path):
        """From where this file begins on the disk, nothing can be read or written any more. Others may be writing just now."""
        self.run("fsfreeze", "--freeze", self.path)  # all is on the disk, and nothing moves
        try:
            with open(path, "rb") as file:
                block, = struct.unpack("i", fcntl.ioctl(file, FIBMAP, struct.pack("i", 0)))
                self.bad_from = block * os.fstatvfs(file.fileno()).f_bsize
            self.run("cp", "--sparse=always", self.image, f"{self.image}.whole")
            self.resize(self.bad_from)
        finally:
            self.run("fsfreeze", "--unfreeze", self.path)

    def resize(self, size):
        os.truncate(self.image, size)
        self.run("losetup", "--set-capacity", self.run("losetup", "-n", "-O", "NAME", "-j", self.image))

    def mend(self):
        """What was behind that place is there again, as it was. Nobody may have a file of it open."""
        with open(f"{self.image}.whole", "rb") as whole:
            self.resize(os.fstat(whole.fileno()).st_size)
            whole.seek(self.bad_from)
            with open(self.image, "r+b") as image:
                image.seek(self.bad_from)
                shutil.copyfileobj(whole, image, 1 << 20)
        os.unlink(f"{self.image}.whole")
        self.unmount()
        self.mount()

    def close(self):
        if self.mounted:
            self.unmount()
