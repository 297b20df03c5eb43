"""What people read: diagnostics and dry runs as whole files in golden/, in a pipe and on a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dispatcher import RuleSet, check
from dispatcher.dispatch import dry_run
from dispatcher.render.decisions import dry_run as dry_run_text
from dispatcher.render.diagnostics import diagnostics
from dispatcher.render.text import Line, write

Golden = Callable[[str, str], None]

FAULTY = (
    "# Each kind of place that a mark can have\n"
    "if priority is 0:\n"
    "\tteam = tema\n"
    "\temail = 'a@example.com'\n"
    "x = msg.__class__ + msg._x\n"
    "subject = '😀é' + subjekt\n"
    "y = [" + ", ".join(f"'{number:04}'" for number in range(60)) + ", missing, " + "'tail', " * 30 + "]\n"
    "z = (msg is\n"
    "    'a text')\n"
    "if msg == “x”:\n"
    "    pass\n"
    "w = (1,\n"
    "v = 'a\n" + "\n" * 90 + "import os\n"
)

RULES = """\
# Printers go to their team
if 'printer' in msg:
    team = 'Printers'
    customfield['CFfloor'] = 3
    print('seen:', selections)
    print('two\\nlines')
if name == 'Nobody':
    agent = 'Nobody'
priority = priority - 1
long = 'x' * 400
words = sorted(set(msg.split()))
"""

TICKET = {
    "msg": "My printer is on fire\nplease hurry",
    "name": "Ann Lee",
    "email": "ann.lee@example.com",
    "selections": ["Only me", "Now"],
    "floor": 3,
}


def written(lines: list[Line]) -> str:
    """Return what a pipe gets."""
    output = io.StringIO()
    write(lines, output)
    return output.getvalue()


def dry(rules: str, **ticket: object) -> str:
    """Return a dry run as text, with its steps left out: what things cost may change."""
    result = dry_run(RuleSet.from_text(rules), ticket, datetime(2026, 3, 2, 17, 45, tzinfo=UTC))
    return re.sub(r"^\d+ steps", "N steps", written(dry_run_text(result)), flags=re.MULTILINE)


def test_diagnostics(golden: Golden) -> None:
    """Each diagnostic shows its line, a mark under its place, and what to do."""
    golden("diagnostics.txt", written(diagnostics(check(FAULTY, "printers.rules"))))


def test_a_dry_run(golden: Golden) -> None:
    """A dry run shows variables, changes, rules, faults, prints, what is unused, and what would be sent."""
    golden("dry_run.txt", dry(RULES, **TICKET))


def test_a_refused_dry_run(golden: Golden) -> None:
    """A refusal stands first, and nothing would be sent."""
    golden("dry_run_refused.txt", dry("exception = 'Please call us.'\n", msg="hello"))


def test_a_dry_run_of_several_files_names_them(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With several files each place names its file."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "10_first.rules").write_text("team = 'A'\n")
    (folder / "20_second.rules").write_text("# Second\nif team == 'A': team = 1 / 0\nif team: state = 'New'\n")
    result = dry_run(RuleSet.load(folder), {"msg": "hello"}, datetime(2026, 3, 2, 17, 45, tzinfo=UTC))

    text = written(dry_run_text(result))
    golden("dry_run_files.txt", re.sub(r"^\d+ steps", "N steps", text, flags=re.MULTILINE))


def test_the_mark_stands_under_its_place() -> None:
    """In a font of one width, tabs included, the mark begins below the first character that is wrong and is as long."""
    for problem in check(FAULTY, "printers.rules"):
        lines = written(diagnostics([problem])).split("\n")
        source, mark = (line[len(str(problem.line)) + 3 :] for line in lines[3:5])
        start = len(mark) - len(mark.lstrip())
        assert mark[:start].replace("\t", " ") == " " * start
        assert [char == "\t" for char in mark[:start]] == [char == "\t" for char in source[:start]]
        if problem.end_line == problem.line:
            assert len(mark.strip()) == problem.end_column - problem.column
        assert len(mark) <= len(source) or problem.column > len(source)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal with colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal()


def test_a_terminal_gets_colours(terminal: Terminal) -> None:
    """On a terminal errors are red, and without its colours the text is that of a pipe."""
    lines = diagnostics(check("team = tema\n", "a.rules"))
    write(lines, terminal)

    shown = terminal.getvalue()
    assert shown.startswith("\x1b[1;31merror[unknown-name]\x1b[0m\x1b[1m: nothing is called `tema`\x1b[0m\n")
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == written(lines)


def test_a_terminal_obeys_nothing_of_a_rule_or_ticket(terminal: Terminal) -> None:
    """Escape sequences, bells and marks that turn the direction of writing are shown as what they are: nothing."""
    evil = "\x1b[2J\x07\u202e[red]x[/red]\x9b1m"
    result = dry_run(RuleSet.from_text(f"print({evil!r})\nteam = {evil!r}\n"), {"msg": evil, evil: 1})
    write(dry_run_text(result), terminal)

    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert not any(character in shown for character in "\x1b\x07\u202e\x9b")
    assert "[red]x[/red]" in shown
