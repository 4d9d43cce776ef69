"""Every header says first what it is, and the labels of that comment (Threads, Limits, Does not …) begin their lines."""

import pathlib
import re

import tree

LABELS = "Lifetime|Threads|Limits|Implements|Does not|Durability|Memory|Errors|Randomness|Clock|Cost"
GLUED = re.compile(rf"^//.*\S ({LABELS}) {{2,}}\S")


def check(root: pathlib.Path) -> list[str]:
    said = []
    for path in tree.sources(root):
        lines = tree.lines(root, path)
        if path.suffix == ".h" and not (lines and lines[0].startswith("// ")):
            said.append(f"{path}:1: a header begins with a comment that says what it is")
        if path.suffix == ".h" and "#pragma once" not in lines:
            said.append(f"{path}: no #pragma once")
        for number, line in enumerate(lines, 1):
            if glued := GLUED.match(line):
                said.append(f'{path}:{number}: "{glued[1]}" begins a line of its own')
    return said


def self_test() -> None:
    def says(files: dict[str, str], *wanted: str) -> None:
        tree.expect(str(files), tree.made_up(files, check), list(wanted))

    says({"lib/a.h": "// A: a thing.\n//\n// Threads      none.\n// Does not     fly.\n#pragma once\n"})
    says({"lib/a.h": "// A: a thing. Does not     fly.\n#pragma once\n"}, 'lib/a.h:1: "Does not" begins')
    says({"lib/a.h": "#pragma once\n"}, "lib/a.h:1: a header begins with")
    says({"lib/a.h": "// A: a thing that does not fly.\n"}, "lib/a.h: no #pragma once")


if __name__ == "__main__":
    tree.main(self_test, check)
