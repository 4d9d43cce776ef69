"""Every source is as clang-format-14 would write it. To mend: clang-format-14 -i FILE."""

import pathlib
import re
import subprocess

import tree

BATCH = 40
FINDING = re.compile(r"^(.*?):(\d+):\d+: error: code should be clang-formatted")


def check(root: pathlib.Path) -> list[str]:
    paths = [str(path) for path in tree.sources(root)]
    said: dict[str, str] = {}
    for start in range(0, len(paths), BATCH):
        command = ["clang-format-14", "--dry-run", "-Werror", *paths[start : start + BATCH]]
        run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        for line in run.stderr.splitlines():
            if found := FINDING.match(line):
                said.setdefault(found[1], f"{found[1]}:{found[2]}: not as clang-format-14 writes it")
        if run.returncode != 0 and not said:
            said["clang-format-14"] = run.stderr.strip() or "clang-format-14 failed"
    return list(said.values())


def self_test() -> None:
    style = {".clang-format": "BasedOnStyle: Google\n"}
    tree.expect("formatted", tree.made_up(style | {"lib/a.cc": "int a = 0;\n"}, check), [])
    tree.expect("unformatted", tree.made_up(style | {"lib/a.cc": "int b;\nint  a=0;\nint  c=0;\n"}, check), ["lib/a.cc:2"])


if __name__ == "__main__":
    tree.main(self_test, check)
