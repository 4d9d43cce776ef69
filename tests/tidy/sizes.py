"""Holds functions, files and lines to what a reader can take in. docs: CONTRIBUTING.md.

What is larger stands in sizes.ratchet with its size: `PATH SIZE`, or `PATH:FUNCTION SIZE`. It may shrink, and then its
line must follow; it may not grow. The list is meant to be empty."""

import pathlib
import re

import cpp_text
import tree

COLUMNS_MAX = 100
FUNCTION_MAX = 70
TEST_FUNCTION_MAX = 100
HEADER_MAX = 250
SOURCE_MAX = 600
TEST_MAX = 800
RATCHET = "tests/tidy/sizes.ratchet"


def file_max(path: pathlib.PurePosixPath) -> int:
    if path.parts[0] == "tests":
        return TEST_MAX
    return HEADER_MAX if path.suffix == ".h" else SOURCE_MAX


def function_max(path: pathlib.PurePosixPath) -> int:
    return TEST_FUNCTION_MAX if path.parts[0] == "tests" else FUNCTION_MAX


def is_table(body: list[str]) -> bool:
    """A switch that is one line a row, or a list of rows with next to nothing around it, may be long."""
    rows = sum(bool(re.match(r"\s*(case .*:|[{].*[}],)", line)) for line in body)
    statements = cpp_text.blanked("\n".join(body)).count(";")
    return rows * 10 >= len(body) * 6 or statements * 20 <= len(body)


def too_long_lines(path: pathlib.PurePosixPath, lines: list[str]) -> list[str]:
    said = []
    by_hand = False  # between "clang-format off" and "on": a table that is read row by row
    for number, line in enumerate(lines, 1):
        if "// clang-format o" in line:
            by_hand = "clang-format off" in line
        elif len(line) > COLUMNS_MAX and not by_hand and "http" not in line:
            said.append(f"{path}:{number}: {len(line)} columns; at most {COLUMNS_MAX}")
    return said


def read_ratchet(root: pathlib.Path) -> dict[str, int]:
    path = root / RATCHET
    rows = path.read_text("utf-8").splitlines() if path.exists() else []
    pairs = (row.rsplit(" ", 1) for row in rows if row and not row.startswith("#"))
    return {what: int(size) for what, size in pairs}


def check(root: pathlib.Path) -> list[str]:
    said = []
    allowed = read_ratchet(root)

    def measure(what: str, size: int, limit: int) -> None:
        listed = allowed.pop(what, None)
        if size > max(limit, listed or 0):
            said.append(f"{what}: {size} lines; at most {listed or limit}")
        elif listed is not None and size <= limit:
            said.append(f"{what}: {size} lines are within the limit; take it out of {RATCHET}")
        elif listed is not None and size < listed:
            said.append(f"{what}: {size} lines; write that into {RATCHET} in place of {listed}")

    for path in tree.sources(root):
        lines = tree.lines(root, path)
        measure(str(path), len(lines), file_max(path))
        said += too_long_lines(path, lines)
        for function in cpp_text.functions("\n".join(lines)):
            if not is_table(lines[function.first_line : function.last_line - 1]):
                measure(f"{path}:{function.name}", function.length, function_max(path))
    said += [f"{what}: stands in {RATCHET}, but is no more" for what in allowed]
    return said


def self_test() -> None:
    def says(files: dict[str, str], *wanted: str) -> None:
        tree.expect(str(files)[:200], tree.made_up(files, check), list(wanted))

    def function(name: str, lines: int) -> str:
        return f"int {name}(int a,\n    int b) {{\n" + "  a += '{';  // }\n" * (lines - 3) + "}\n"

    says({"lib/a.cc": function("f", 70) + function("g", 70)})
    says({"lib/a.cc": function("f", 71)}, "lib/a.cc:f: 71 lines; at most 70")
    says({"tests/unit/a_test.cc": function("TEST", 100)})
    says({"tests/unit/a_test.cc": function("TEST", 101)}, "101 lines")
    says({"lib/a.cc": "namespace a {\nclass B {\n" + function("f", 71) + "};\n}\n"}, "lib/a.cc:f: 71 lines")
    says({"lib/a.cc": "namespace a {\n" + "int x = 0;\n" * 80 + "}\n"})
    says({"lib/a.cc": "std::string_view name(E e) {\n  switch (e) {\n" + '    case E::kA: return "a";\n' * 80 + "  }\n}\n"})
    says({"lib/a.cc": "std::vector<R> rows() {\n  return {\n" + "      R{1,\n        2},\n" * 80 + "  };\n}\n"})
    says({"lib/a.cc": "#include <a>\n\n\n\n" + function("f", 71)}, "lib/a.cc:f: 71 lines")
    says({"lib/a.h": "\n" * 251}, "lib/a.h: 251 lines; at most 250")
    says({"lib/a.cc": "\n" * 600})
    says({"lib/a.cc": "\n" * 601}, "601")
    says({"tests/a.cc": "\n" * 801}, "801")
    says({"lib/a.cc": "// " + "x" * 98}, "lib/a.cc:1: 101 columns")
    says({"lib/a.cc": "// clang-format off\n" + "x" * 120 + "\n// clang-format on\n" + "x" * 101}, ":4: 101 columns")
    says({"lib/a.cc": "\n" * 650, RATCHET: "# why\nlib/a.cc 650\n"})
    says({"lib/a.cc": "\n" * 651, RATCHET: "lib/a.cc 650\n"}, "651 lines; at most 650")
    says({"lib/a.cc": "\n" * 640, RATCHET: "lib/a.cc 650\n"}, "write that into")
    says({"lib/a.cc": "\n" * 10, RATCHET: "lib/a.cc 650\n"}, "take it out of")
    says({RATCHET: "lib/a.cc 650\n"}, "is no more")


if __name__ == "__main__":
    tree.main(self_test, check)
