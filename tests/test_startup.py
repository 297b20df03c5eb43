"""A new process loads what its command needs, since loading takes longer than checking and deciding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RULES = "if 'printer' in msg.lower():\n    team = 'Hardware'\n"
# What takes a millisecond and more to load.
SLOW = ("dataclasses", "difflib", "hashlib", "inspect", "lark", "shutil", "string", "concurrent.futures")
CHECK = ("pathlib", "dispatcher.ruleset", "dispatcher.lang.compiler", "dispatcher.halo")
ENGINE = ("dispatcher.lang.regex.program",)
DECIDE = """
import dispatcher
dispatcher.RuleSet.from_text({rules!r}).decide({{"msg": "Printer"}}).action_variables
"""


def loaded(code: str, names: tuple[str, ...]) -> list[str]:
    """Return which of some modules a new process has when it has run `code`."""
    code += f"\nimport sys\nprint([name for name in {names!r} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = eval(done.stderr)
    return found


@pytest.mark.parametrize("names", [SLOW, CHECK, ENGINE], ids=["slow", "check", "engine"])
def test_a_check_loads_no_more_than_it_needs(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Checking a file needs neither slow modules of the library nor what runs rules."""
    file = tmp_path / "small.rules"
    file.write_text(RULES, encoding="utf-8")

    assert loaded(f"from dispatcher.cli import main\nmain(['check', {str(file)!r}])", names) == []


@pytest.mark.parametrize("names", [SLOW, ENGINE], ids=["slow", "engine"])
def test_a_first_decision_loads_no_more_than_it_needs(names: tuple[str, ...]) -> None:
    """Deciding by rules without patterns needs neither slow modules nor the engine of patterns."""
    assert loaded(DECIDE.format(rules=RULES), names) == []
