"""The table of diagnostic codes: what each means, with rules that raise it and the same rules put right."""
# ruff: noqa: E501 - one line for each code reads as the table that it is

from __future__ import annotations

from typing import Literal

from dispatcher.lang.records import dataclass

Severity = Literal["error", "warning", "info"]


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
    "bidirectional-text": Code("warning", "An invisible character turns the direction of writing, so that a rule reads otherwise than it runs.", "team = 'A\u202eB'\n", "team = 'AB'\n"),
    "unexpected-indentation": Code("error", "A line is indented though no block begins.", "team = 'A'\n  state = 1\n", "team = 'A'\nstate = 1\n"),
    "missing-indentation": Code("error", "A block needs at least one indented line.", "if msg:\nteam = 'A'\n", "if msg:\n    team = 'A'\n"),
    "inconsistent-indentation": Code("error", "A line goes back to a depth that no block has.", "if msg:\n    team = 'A'\n  state = 1\n", "if msg:\n    team = 'A'\nstate = 1\n"),
    "inconsistent-tabs": Code("error", "Tabs and spaces are mixed so that the depth depends on the width of a tab.", "if msg:\n        team = 'A'\n\tstate = 1\n", "if msg:\n\tteam = 'A'\n\tstate = 1\n"),
    "invalid-literal": Code("error", "A number, an escape or an f-string that Python cannot read.", "priority = 007\n", "priority = 7\n"),
    "invalid-target": Code("error", "Only names, items, slices and lists of them can be assigned.", "len(msg) = 1\n", "impact = len(msg)\n"),
    "invalid-pattern": Code("error", "A pattern of `case` that Python forbids, or that keeps those behind it from ever matching.", "match priority:\n    case number:\n        team = 'A'\n    case 1:\n        team = 'B'\n", "match priority:\n    case 1:\n        team = 'B'\n    case number:\n        team = 'A'\n"),
    "invalid-scope": Code("error", "`global` and `nonlocal` name variables of a scope outside, before they are used.", "def count():\n    nonlocal seen\n    seen = 1\ncount()\n", "def count():\n    global seen\n    seen = 1\ncount()\n"),
    "invalid-arguments": Code("error", "The arguments of a call, or the parameters of a function, are in an order that Python forbids.", "print(end='', 'x')\n", "print('x', end='')\n"),
    "misplaced-statement": Code("error", "`break` and `continue` belong into loops, `return` into functions.", "break\n", "for word in msg.split():\n    break\n"),
    "too-large": Code("error", "The file, a line's nesting or a number is beyond the limits of the language.", "impact = " + "(" * 150 + "1" + ")" * 150 + "\n", "impact = (1)\n"),
    "unsupported-syntax": Code("error", "Python that rules leave out.", "class Rule:\n    pass\n", "def rule():\n    pass\n"),
    "unknown-name": Code("error", "No variable, function or module has this name.", "team = tema\n", "team = 'A'\n"),
    "unknown-function": Code("error", "Rules have no function of this name.", "impact = open('file')\n", "impact = len('file')\n"),
    "unknown-method": Code("error", "No value in rules has a method or field of this name.", "subject = msg.lowercase()\n", "subject = msg.lower()\n"),
    "unknown-module": Code("error", "Rules cannot import this module.", "import os\n", "import re\nsubject = re.escape(name)\n"),
    "unknown-module-member": Code("error", "The module has no function of this name, or none that rules may use.", "import re\nif re.serch('a', msg):\n    team = 'A'\n", "import re\nif re.search('a', msg):\n    team = 'A'\n"),
    "private-name": Code("error", "Names that begin with an underscore are not available.", "if msg.__class__ == str:\n    team = 'A'\n", "if isinstance(msg, str):\n    team = 'A'\n"),
    "read-only-variable": Code("error", "The variable tells what the sender knows; rules cannot change it.", "email = email.lower()\nif email == 'a@example.com':\n    team = 'A'\n", "address = email.lower()\nif address == 'a@example.com':\n    team = 'A'\n"),
    "is-with-literal": Code("warning", "`is` beside a literal compares by value here; `==` says so.", "if priority is 0:\n    team = 'A'\n", "if priority == 0:\n    team = 'A'\n"),
    "impossible-operation": Code("warning", 'An operation that Python does not have for values of these types: it raises TypeError whenever it runs.', 'subject = msg + 1\n', "subject = msg + '1'\n"),
    "missing-method": Code("warning", 'A value of this type has no method or field of this name.', "subject = msg.append('!')\n", "subject = msg + '!'\n"),
    "wrong-arguments": Code("warning", 'A call with more or fewer arguments than the function takes, or with a name that it does not know.', "subject = msg.replace('a')\n", "subject = msg.replace('a', 'b')\n"),
    "uncallable-value": Code("warning", 'Something is called that is no function.', 'subject = msg(1)\n', 'subject = msg[1]\n'),
    "unset-variable": Code("warning", 'A variable is read that has no value by then.', "team = wanted\nwanted = 'A'\n", "wanted = 'A'\nteam = wanted\n"),
    "possibly-unset-variable": Code("warning", 'A variable is read that only some of the ways to this line assign.', "if 'vip' in msg:\n    wanted = 'A'\nteam = wanted\n", "wanted = None\nif 'vip' in msg:\n    wanted = 'A'\nteam = wanted\n"),
    "misspelt-variable": Code("warning", 'A variable is assigned and never used, and its name is almost that of a ticket variable.', 'prioritty = 1\n', 'priority = 1\n'),
    "local-ticket-variable": Code("warning", "A function assigns a variable of its own where the ticket's was meant.", 'def escalate():\n    priority = 1\nescalate()\n', 'def escalate():\n    global priority\n    priority = 1\nescalate()\n'),
    "unused-variable": Code("warning", 'A variable is assigned and never used.', 'wanted = msg.lower()\n', 'subject = msg.lower()\n'),
    "unused-import": Code("warning", 'A module or function is imported and never used.', "import re\nteam = 'A'\n", "import re\nif re.search('a+', msg):\n    team = 'A'\n"),
    "unsuitable-value": Code("warning", 'A ticket variable gets a value that Halo cannot take from it.', 'priority = True\n', 'priority = 1\n'),
    "constant-condition": Code("warning", 'A condition, or a part of one, that is true or false for every ticket.', "if 'printer' in selections or 'toner':\n    team = 'A'\n", "if 'printer' in selections or 'toner' in selections:\n    team = 'A'\n"),
    "repeated-condition": Code("warning", 'An `elif` that never runs, since the same condition stands above it.', "if 'a' in msg:\n    team = 'A'\nelif 'a' in msg:\n    team = 'B'\n", "if 'a' in msg:\n    team = 'A'\nelif 'b' in msg:\n    team = 'B'\n"),
    "self-comparison": Code("warning", 'A value is compared with itself.', 'if team == team:\n    state = 1\n', "if team == 'A':\n    state = 1\n"),
    "never-equal": Code("warning", 'Values are compared by `==` or `!=` that can never be equal, whatever they hold.', "if len(msg) == '5':\n    team = 'A'\n", "if len(msg) == 5:\n    team = 'A'\n"),
    "case-mismatch": Code("warning", 'A text with capital letters is looked for in one that has none, or the other way round.', "if 'Printer' in msg.lower():\n    team = 'A'\n", "if 'printer' in msg.lower():\n    team = 'A'\n"),
    "uncalled-function": Code("warning", 'A function stands where its result was meant: the parentheses are missing.', "if msg.isupper:\n    team = 'A'\n", "if msg.isupper():\n    team = 'A'\n"),
    "unused-result": Code("warning", 'A statement works out a value with which nothing is done.', 'msg.strip()\n', 'msg = msg.strip()\n'),
    "duplicate-key": Code("warning", 'A dict has the same key twice; the last value counts.', "customfield = {'a': 1, 'a': 2}\n", "customfield = {'a': 1, 'b': 2}\n"),
    "unreachable-code": Code("warning", 'Statements that never run.', "for word in msg.split():\n    break\n    team = 'A'\n", "for word in msg.split():\n    team = 'A'\n    break\n"),
}  # fmt: skip
