"""Words that do not belong here: names of files that say nothing, promises instead of code, places on somebody's machine."""

import pathlib
import re
import shutil
import subprocess

import tree

EMPTY_NAMES = re.compile(r"(^|[_\-.])(utils?|helpers?|managers?|commons?|misc)([_\-.]|$)")
# "Service manager" is what systemd is, and says what is in the file.
GOOD_NAMES = re.compile(r"^service_manager\.(h|cc)$")
# In pieces, or this file would be its own first finding.
PROMISES = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(home|root|wor[k]|workspace|Users)/\w")
SKIPPED_FOLDERS = {"build", ".git", ".cache", "__pycache__"}
SKIPPED_FILES = re.compile(r"^(LICENSE|tests/fuzz/corpus/.*)$")


def all_files(root: pathlib.Path) -> list[str]:
    """What is committed; in a tree without git, all there is."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False) if (
        root / ".git").exists() and shutil.which("git") else None
    if listed and listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return sorted(name for name in names if (root / name).is_file())
    found = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
    return sorted(p.as_posix() for p in found if not SKIPPED_FOLDERS & set(p.parts))


def check(root: pathlib.Path) -> list[str]:
    said = []
    for name in all_files(root):
        for part in pathlib.PurePosixPath(name).parts:
            if EMPTY_NAMES.search(part.lower()) and not GOOD_NAMES.match(part):
                said.append(f"{name}: a name should be a noun that says what is in it")
        if SKIPPED_FILES.match(name):
            continue
        try:
            text = (root / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if found := PROMISES.search(line):
                said.append(f"{name}:{number}: {found[0]}: do it, or open an issue")
            if found := MACHINE_PATHS.search(line):
                said.append(f"{name}:{number}: {found[0]}…: a path of one machine")
    return said


def self_test() -> None:
    def says(files: dict[str, str], *wanted: str) -> None:
        tree.expect(str(files), tree.made_up(files, check), list(wanted))

    says({"lib/smtp/client_session.cc": "int a;\n", "docs/utility.md": "/var/lib/posthaste /etc/home/x\n"})
    says({"lib/string_util.cc": ""}, "lib/string_util.cc: a name should")
    says({"lib/helpers/a.cc": ""}, "a name should")
    says({"lib/ConnectionManager.h": "", "lib/connection_manager.h": ""}, "lib/connection_manager.h")
    says({"lib/a.cc": "\n// TO" + "DO: later\n"}, "lib/a.cc:2: TO" + "DO")
    says({"script/x": "cd /ho" + "me/me/src\n"}, "script/x:1: /ho")
    says({"build/a.cc": "// FIX" + "ME\n"})


if __name__ == "__main__":
    tree.main(self_test, check)
