"""Random programs give here what they give in CPython; `python -m tests.fuzz` runs them for longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, settings

from tests.fuzz.differential import FINE, CPython, Verdict, compare
from tests.fuzz.programs import program
from tests.fuzz.shrink import shrunk
from tests.fuzz.templates import templates
from tests.lang.strategies import PROPERTY, seeds

pytest.importorskip("resource", reason="CPython's side is held to limits that only POSIX has")

# Small programs, for they are many.
SIZE = 4
# A seed says nothing of its program's size, so a smaller seed is no simpler case.
MANY = settings(PROPERTY, phases=[Phase.generate])


@pytest.fixture(scope="module")
def cpython() -> Iterator[CPython]:
    """A process that runs the programs in CPython."""
    with CPython() as process:
        yield process


def told(text: str, verdict: Verdict) -> str:
    """Return what is shown of a program on which the two differ."""
    return f"{verdict.kind}:\n{text}--- ours\n{verdict.ours}\n--- CPython's\n{verdict.cpythons}"


@settings(MANY, max_examples=300)
@given(seed=seeds)
def test_a_random_program_gives_what_cpython_gives(cpython: CPython, seed: int) -> None:
    """Variables, prints, and type and line of every fault are CPython's."""
    text = program(seed, SIZE)
    verdict = compare(text, cpython)

    assert verdict.kind in FINE, told(text, verdict)


# --- what the comparison is worth


def test_most_programs_are_compared(cpython: CPython) -> None:
    """Few programs are refused on both sides or pass a limit, and many come to their end without a fault."""
    kinds = [compare(program(seed, SIZE), cpython).kind for seed in range(60)]

    assert kinds.count("same") > 54


def test_programs_hold_every_construct() -> None:
    """Each statement, operator and expression of the table is in some program."""
    together = "\n".join(program(seed) for seed in range(1500))
    words = (
        *("if ", "elif ", "else:", "for ", "while ", "def ", "lambda ", "return ", "break", "continue", "del ", "pass"),
        *("try:", "except ", "finally:", "raise", " from ", "assert ", "match ", "case ", "global ", "nonlocal "),
        *(" as ", ":=", "**", "//", "<<", ">>", "^", "&", "|", "~", " is ", " not in ", "{{", "!r", " = }", "; "),
    )

    assert [word for word in words if word not in together] == []
    every = [template for entries in templates().values() for template in entries]
    unused = [entry.pieces for entry in every if _longest(entry.pieces) not in together]
    assert unused == []


def _longest(pieces: tuple[object, ...]) -> str:
    return max((piece for piece in pieces if isinstance(piece, str)), key=len)


DIFFERENT = [
    ("x = 1 is 1.0", "variables"),
    ("print({3, 'a', None, 2.5, 'b', 'c', 'd'} is 1 or 5 is 5.0)", "prints"),
    ("1 / 0 if 2 is 2.0 else []", "faults"),
    ("x = __debug__", "rejected"),
]


@pytest.mark.parametrize(("text", "kind"), DIFFERENT)
def test_a_difference_is_seen(cpython: CPython, text: str, kind: str) -> None:
    """What the language means otherwise, and so is not generated, shows as a difference where it is written."""
    assert compare(f"{text}\n", cpython).kind == kind


def test_a_program_that_hangs_or_ends_the_process_is_no_end_of_the_run(cpython: CPython) -> None:
    """CPython is started anew when a program has ended it."""
    assert cpython.observe("import os\nos._exit(1)\n") is None
    assert compare("x = 1\n", cpython).kind == "same"


def test_a_program_is_made_smaller() -> None:
    """What is left of a program is what the property needs."""
    text = program(5) + "if True:\n    for i in [1, 2]:\n        s = [t, (i / 0) + 1]\n" + program(6)

    assert shrunk(text, lambda candidate: "i / 0" in candidate) == "i / 0\n"
