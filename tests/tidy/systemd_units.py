"""The files under systemd/, read by systemd's own tools: verify, security (a score under 2), sysusers, tmpfiles."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

BINARY = "/usr/sbin/posthasted"
THRESHOLD = 20  # tenths of systemd-analyze's exposure level


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def verify(units: pathlib.Path, scratch: pathlib.Path) -> list[str]:
    """systemd wants the program to exist, so the copies that it reads name one that does."""
    for unit in ("posthaste.service", "posthaste.socket"):
        text = (units / unit).read_text("utf-8")
        (scratch / unit).write_text(text.replace(BINARY, "/bin/true"), "utf-8")
    code, words = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=one",
                      str(scratch / "posthaste.service"), str(scratch / "posthaste.socket"))
    own = [line for line in words.splitlines() if "posthaste" in line]
    return own if own or code == 0 else [words]


def security(units: pathlib.Path) -> list[str]:
    code, words = run("systemd-analyze", "security", "--offline=true", f"--threshold={THRESHOLD}", "--no-pager",
                      str(units / "posthaste.service"))
    return [] if code == 0 else [f"systemd-analyze security: {words.splitlines()[-1]}"]


def files(units: pathlib.Path, scratch: pathlib.Path) -> list[str]:
    root = scratch / "root"
    (root / "etc").mkdir(parents=True)
    code, words = run("systemd-sysusers", f"--root={root}", str(units / "sysusers.d/posthaste.conf"))
    made = (root / "etc/passwd").read_text("utf-8") if (root / "etc/passwd").exists() else ""
    if code != 0 or not any(line.startswith("posthaste:") for line in made.splitlines()):
        return [f"systemd-sysusers: {words or 'no user posthaste'}"]
    code, words = run("systemd-tmpfiles", "--create", f"--root={root}", str(units / "tmpfiles.d/posthaste.conf"))
    # Without privileges the folders are made, but not given to their owner.
    missing = [name for name in ("var/lib/posthaste", "run/posthaste", "etc/posthaste/tls") if not (root / name).is_dir()]
    return [f"systemd-tmpfiles: {name} was not made: {words}" for name in missing]


def self_test(units: pathlib.Path, scratch: pathlib.Path) -> None:
    """A service with an unknown directive and without hardening is refused by both tools."""
    spoilt = scratch / "spoilt"
    shutil.copytree(units, spoilt)
    unit = spoilt / "posthaste.service"
    kept = [line for line in unit.read_text("utf-8").splitlines() if not line.startswith(("Protect", "Restrict", "System"))]
    unit.write_text("\n".join(kept).replace("WatchdogSec", "WachtdogSec"), "utf-8")
    if not verify(spoilt, spoilt):
        sys.exit("self-test: verify let an unknown directive pass")
    if not security(spoilt):
        sys.exit("self-test: security let an unhardened service pass")


def main(root: pathlib.Path) -> int:
    units = root / "systemd"
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        self_test(units, scratch)
        said = verify(units, scratch) + security(units) + files(units, scratch)
    for line in said:
        print(line)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]))
