"""Every RFC that the code cites stands in docs/rfc.md, every file that docs/rfc.md names exists, and a DEVIATES says why."""

import pathlib
import re

import tree

CITED = re.compile(r"RFC\s?(\d{3,5})")
LISTED = re.compile(r"^\|\s*RFC (\d{3,5})\s*\|", re.MULTILINE)
NAMED_FILE = re.compile(r"`((?:lib|queue|config|daemon|tests)/[\w./*-]+)`")
DEVIATES = re.compile(r"DEVIATES\b(.*)")
DOCUMENT = "docs/rfc.md"


def check(root: pathlib.Path) -> list[str]:
    said = []
    document = (root / DOCUMENT).read_text("utf-8") if (root / DOCUMENT).exists() else ""
    listed = LISTED.findall(document)
    for path in tree.sources(root):
        for number, line in enumerate(tree.lines(root, path), 1):
            for rfc in CITED.findall(line):
                if rfc not in listed:
                    said.append(f"{path}:{number}: RFC {rfc} is not in {DOCUMENT}")
            if (deviation := DEVIATES.search(line)) and not re.match(r" RFC \d+[^:]*: \S", deviation[1]):
                said.append(f"{path}:{number}: say DEVIATES RFC … : why")
    for name in NAMED_FILE.findall(document):
        if not any(root.glob(name)):
            said.append(f"{DOCUMENT}: {name} does not exist")
    said += [f"{DOCUMENT}: RFC {rfc} stands twice" for rfc in sorted(set(listed)) if listed.count(rfc) > 1]
    return said


def self_test() -> None:
    def says(files: dict[str, str], *wanted: str) -> None:
        tree.expect(str(files), tree.made_up(files, check), list(wanted))

    row = "| RFC 5321 | mail | `lib/smtp/a.cc` |\n"
    says({"lib/smtp/a.cc": "// RFC 5321 §4.5.3\n", DOCUMENT: row})
    says({"lib/smtp/a.cc": "\n// RFC 5321; RFC 7505\n", DOCUMENT: row}, "lib/smtp/a.cc:2: RFC 7505 is not in")
    says({"lib/smtp/a.cc": "// RFC 5322\n", DOCUMENT: row + "RFC 5322 is planned\n"}, "RFC 5322 is not in")
    says({DOCUMENT: row}, "lib/smtp/a.cc does not exist")
    says({"lib/smtp/a.cc": "", DOCUMENT: row + row}, "RFC 5321 stands twice")
    says({"lib/smtp/a.cc": "// DEVIATES RFC 5321 §4.5.3.1.4: longer lines are sent by everybody\n", DOCUMENT: row})
    says({"lib/smtp/a.cc": "// DEVIATES here\n", DOCUMENT: row}, "say DEVIATES")


if __name__ == "__main__":
    tree.main(self_test, check)
