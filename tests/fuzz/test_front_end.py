"""The front end answers any text whatever, in time and as CPython; `python -m tests.fuzz --mode bytes` goes on longer."""

from __future__ import annotations

import sys

import pytest
from hypothesis import Phase, given, settings

from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from tests.fuzz import front_end, round_trip
from tests.fuzz.programs import program
from tests.lang.strategies import PROPERTY, seeds

MANY = settings(PROPERTY, phases=[Phase.generate])

cpython_3_11 = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other versions read f-strings otherwise")


@cpython_3_11
@settings(MANY, max_examples=400)
@given(seed=seeds)
def test_any_text_is_answered_as_by_cpython(seed: int) -> None:
    """No exception, no more than 2 s; nothing is accepted that CPython refuses, and what is has CPython's tree."""
    text = front_end.text(seed)

    assert front_end.difference(text) == "", repr(text)


@settings(MANY, max_examples=80)
@given(seed=seeds)
def test_a_random_program_has_the_same_tree_when_unparsed(seed: int) -> None:
    """The unparser's text of any program is read as the same tree."""
    text = program(seed)

    assert not round_trip.difference(text), text


@cpython_3_11
@pytest.mark.parametrize("text", ["x = (\n", "x = 1j\n", "def f(a, a): pass\n", "case _: pass\n"])
def test_a_text_accepted_wrongly_would_be_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Were the front end to accept everything, each text that CPython refuses or reads otherwise would show."""
    monkeypatch.setattr(front_end, "check", lambda _text: [])
    monkeypatch.setattr(front_end, "parse", lambda source: (parse(Source("pass"))[0], []))

    assert front_end.difference(text) != ""
