"""The sources that the style checks look at, and how a check runs: itself on a made-up tree first, then on the real one."""

import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator

CODE_FOLDERS = ("lib", "queue", "config", "daemon", "tests")

# A check returns the lines to print; no line means that all is well.
Check = Callable[[pathlib.Path], list[str]]


def sources(root: pathlib.Path, folders: tuple[str, ...] = CODE_FOLDERS) -> Iterator[pathlib.PurePosixPath]:
    """Paths of .h and .cc files, relative to the root, sorted."""
    for folder in folders:
        found = (p for p in (root / folder).rglob("*") if p.suffix in (".h", ".cc") and p.is_file())
        yield from sorted(pathlib.PurePosixPath(p.relative_to(root).as_posix()) for p in found)


def lines(root: pathlib.Path, path: pathlib.PurePosixPath) -> list[str]:
    return (root / path).read_text("utf-8").splitlines()


def made_up(files: dict[str, str], check: Check) -> list[str]:
    """What the check says of a tree with just these files."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return check(root)


def expect(what: str, said: list[str], wanted: list[str]) -> None:
    """A self-test's assertion: each wanted text is in one line of its own, in order, and there is no other line."""
    if len(said) != len(wanted) or not all(w in s for w, s in zip(wanted, said)):
        sys.exit(f"self-test: {what}: said {said}, wanted {wanted}")


def main(self_test: Callable[[], None], check: Check) -> None:
    self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    said = check(root)
    for line in said:
        print(line)
    sys.exit(1 if said else 0)
