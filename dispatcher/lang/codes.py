"""The table of diagnostic codes: what each means, with rules that raise it and the same rules put right."""
# ruff: noqa: E501 - one line for each code reads as the table that it is

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """What one kind of diagnostic means, with rules that raise it and the same rules put right."""

    severity: Severity
    meaning: str
    bad: str
    good: str


CODES: dict[str, Code] = {
    "unexpected-token": Code("error", "Python's grammar does not allow this here.", "if msg 'x':\n    team = 'A'\n", "if 'x' in msg:\n    team = 'A'\n"),
    "unclosed-bracket": Code("error", "A bracket is opened and never closed.", "team = ('A'\n", "team = ('A')\n"),
    "unmatched-bracket": Code("error", "A closing bracket has no opening one of its kind.", "team = 'A')\n", "team = 'A'\n"),
    "unterminated-text": Code("error", "A text literal is not closed on its line.", "team = 'A\n", "team = 'A'\n"),
    "unknown-character": Code("error", "A character that means nothing in rules, such as a typographic quote.", "team = ‘A’\n", "team = 'A'\n"),
    "unexpected-indentation": Code("error", "A line is indented though no block begins.", "team = 'A'\n  state = 1\n", "team = 'A'\nstate = 1\n"),
    "missing-indentation": Code("error", "A block needs at least one indented line.", "if msg:\nteam = 'A'\n", "if msg:\n    team = 'A'\n"),
    "inconsistent-indentation": Code("error", "A line goes back to a depth that no block has.", "if msg:\n    team = 'A'\n  state = 1\n", "if msg:\n    team = 'A'\nstate = 1\n"),
    "inconsistent-tabs": Code("error", "Tabs and spaces are mixed so that the depth depends on the width of a tab.", "if msg:\n        team = 'A'\n\tstate = 1\n", "if msg:\n\tteam = 'A'\n\tstate = 1\n"),
    "invalid-literal": Code("error", "A number, an escape or an f-string that Python cannot read.", "priority = 007\n", "priority = 7\n"),
    "invalid-target": Code("error", "Only names, items, slices and lists of them can be assigned.", "len(msg) = 1\n", "size = len(msg)\n"),
    "invalid-arguments": Code("error", "The arguments of a call, or the parameters of a function, are in an order that Python forbids.", "print(end='', 'x')\n", "print('x', end='')\n"),
    "misplaced-statement": Code("error", "`break` and `continue` belong into loops, `return` into functions.", "break\n", "for word in msg.split():\n    break\n"),
    "too-large": Code("error", "The file, a line's nesting or a number is beyond the limits of the language.", "x = " + "(" * 150 + "1" + ")" * 150 + "\n", "x = (1)\n"),
    "unsupported-syntax": Code("error", "Python that rules leave out.", "class Rule:\n    pass\n", "def rule():\n    pass\n"),
    "unknown-name": Code("error", "No variable, function or module has this name.", "team = tema\n", "team = 'A'\n"),
    "unknown-function": Code("error", "Rules have no function of this name.", "x = open('file')\n", "x = len('file')\n"),
    "unknown-method": Code("error", "No value in rules has a method or field of this name.", "x = msg.lowercase()\n", "x = msg.lower()\n"),
    "unknown-module": Code("error", "Rules cannot import this module.", "import os\n", "import re\n"),
    "unknown-module-member": Code("error", "The module has no function of this name, or none that rules may use.", "import re\nx = re.serch('a', msg)\n", "import re\nx = re.search('a', msg)\n"),
    "private-name": Code("error", "Names that begin with an underscore are not available.", "x = msg.__class__\n", "x = isinstance(msg, str)\n"),
    "read-only-variable": Code("error", "The variable tells what the sender knows; rules cannot change it.", "email = 'a@example.com'\n", "address = 'a@example.com'\n"),
    "is-with-literal": Code("warning", "`is` beside a literal compares by value here; `==` says so.", "if priority is 0:\n    team = 'A'\n", "if priority == 0:\n    team = 'A'\n"),
}  # fmt: skip  # fmt: skip
