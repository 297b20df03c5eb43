"""What a diagnostic offers as an edit puts right what it says."""

from __future__ import annotations

import pytest

from dispatcher import Diagnostic, check
from dispatcher.lang.codes import CODES
from dispatcher.lang.source import Source
from tests.lang.chunks import read_chunks

BAD = {f"{chunk}": chunk.plain for chunk in read_chunks()} | {code: entry.bad for code, entry in CODES.items()}


def applied(text: str, problem: Diagnostic) -> str:
    """Return a file with the edits of a diagnostic."""
    source = Source(text)
    for edit in sorted(problem.edits, key=lambda edit: (edit.line, edit.column), reverse=True):
        start, end = source.offset(edit.line, edit.column), source.offset(edit.end_line, edit.end_column)
        source = Source(source.text[:start] + edit.text + source.text[end:])
    return source.text


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_an_edit_puts_right_what_it_is_offered_for(text: str) -> None:
    """With its edits a diagnostic is gone, and there are no more errors than before."""
    found = check(text)
    for problem in found:
        if problem.edits:
            rest = check(applied(text, problem))
            place = (problem.code, problem.message, problem.line, problem.column)
            assert place not in [(other.code, other.message, other.line, other.column) for other in rest]
            assert [other.severity for other in rest].count("error") <= [other.severity for other in found].count(
                "error"
            )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if re.search('a', msg):\n    team = 'A'\n", "import re\nif re.search('a', msg):\n    team = 'A'\n"),
        ("# VIPs\nif name is not ( 'Dan'):\n    state = 1\n", "# VIPs\nif name != ( 'Dan'):\n    state = 1\n"),
        ("if (name # is it\n    is 'Dan'):\n    state = 1\n", None),
        ("if msg&&name:\n    state = 1\n", "if msg and name:\n    state = 1\n"),
        ("if msg || name:\n    state = 1\n", "if msg or name:\n    state = 1\n"),
        ("if 1 &lt; impact:\n    state = 1\n", "if 1 < impact:\n    state = 1\n"),
        ("if impact => 1:\n    state = 1\n", "if impact >= 1:\n    state = 1\n"),
        ("if state = 1:\n    team = 'A'\n", "if state == 1:\n    team = 'A'\n"),
        ("if msg  # any\n    team = 'A'\n", "if msg:  # any\n    team = 'A'\n"),
        (
            "if msg:\n    state = 1\nelse if name:\n    state = 2\n",
            "if msg:\n    state = 1\nelif name:\n    state = 2\n",
        ),
        ("If msg:\n    state = 1\n", "if msg:\n    state = 1\n"),
        ("impact++\n", "impact += 1\n"),
        ("let state = 1\n", "state = 1\n"),
        ("// VIPs\nstate = 1\n", "# VIPs\nstate = 1\n"),
        ("team = \u20181st Line\u2019\n", "team = '1st Line'\n"),
        ("if \u201cVIP user\u201d in msg:\n    state = 1\n", 'if "VIP user" in msg:\n    state = 1\n'),
        ("team = \u2018O'Neill\u2019\n", None),
        (
            "if '\U0001f525' in msg and name is 'Dan':\n    state = 1\n",
            "if '\U0001f525' in msg and name == 'Dan':\n    state = 1\n",
        ),
        ("if ('a' in msg or name == 'b') and 'c':\n    state = 1\n", None),
        ("if 'A' in (msg.lower()):\n    state = 1\n", "if 'a' in (msg.lower()):\n    state = 1\n"),
        (
            "from datetime import datetime\nsubject = str(datetime.datetime.now())\n",
            "from datetime import datetime\nsubject = str(datetime.now())\n",
        ),
        (
            "from texwrap import wrap as fold\nsubject = fold(msg)[0]\n",
            "from textwrap import wrap as fold\nsubject = fold(msg)[0]\n",
        ),
    ],
)
def test_the_first_edit(before: str, after: str | None) -> None:
    """The first edits that a file is offered change it to this; None where what to write depends on what is meant."""
    offered = [problem for problem in check(before) if problem.edits]

    assert (applied(before, offered[0]) if offered else None) == after
