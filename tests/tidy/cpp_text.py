"""C++ source with its comments and literals blanked out, and the functions in it; enough for counting lines."""

import re
from dataclasses import dataclass

COMMENT_OR_LITERAL = re.compile(
    r"//[^\n]*"
    r"|/\*.*?\*/"
    r'|R"([^(\s]*)\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",  # 1'000 has no literal in it
    re.DOTALL,
)
CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
NAME = re.compile(r"([~\w:]+|operator\s*\S+)\s*\(")


def blanked(text: str) -> str:
    """Comments and literals as spaces; line ends stay where they are."""
    return COMMENT_OR_LITERAL.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


@dataclass
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def length(self) -> int:
        return self.last_line - self.first_line + 1


def functions(text: str) -> list[Function]:
    """Functions that stand at file, namespace or class level, lambdas and local classes left to their function."""
    code = re.sub(r"(?m)^[ \t]*#.*$", lambda m: " " * len(m[0]), blanked(text))
    found: list[Function] = []
    open_braces: list[tuple[str, str, int]] = []  # kind, name, first line
    head_start = 0
    line = 1
    for at, c in enumerate(code):
        if c == "\n":
            line += 1
        elif c in ";}":
            if c == "}" and open_braces:
                kind, name, first = open_braces.pop()
                if kind == "function":
                    found.append(Function(name, first, line))
            head_start = at + 1
        elif c == "{":
            head = code[head_start:at]
            inside = bool(open_braces) and open_braces[-1][0] != "container"
            named = NAME.search(head)
            # "struct A f() {" is a function, "class A : public B<int()> {" is not worth a thought.
            if inside:
                kind = "inner"
            elif CONTAINER.search(head) and not (named and ")" in head):
                kind = "container"
            else:
                kind = "function" if named and ")" in head else "inner"
            first = line - head.lstrip().count("\n")
            open_braces.append((kind, named[1] if named else "", first))
            head_start = at + 1
    return found
