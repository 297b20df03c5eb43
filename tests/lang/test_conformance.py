"""What the language accepts means what it means to CPython: runs the corpus in conformance/."""

from __future__ import annotations

import sys

import pytest

from dispatcher import RuleSet
from tests.lang.conformance.corpus import Case, describe, read_corpus
from tests.lang.conformance.regenerate import observe

CASES = read_corpus()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_program_gives_what_cpython_gives(case: Case) -> None:
    """Working variables, prints and faults are those of CPython, down to the line of the fault."""
    decision = RuleSet.from_text(case.program).decide({})

    faults = [(fault.type, fault.line) for fault in decision.faults]
    shown = decision.other_variables | dict.fromkeys(case.not_data, ...)
    assert describe(shown, decision.prints, faults) == case.expected


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the corpus was written by CPython 3.11")
def test_the_expected_results_are_cpythons() -> None:
    """No expected result was typed or has gone stale: regenerating changes nothing."""
    observed = {str(case): observe(case.program) for case in CASES}

    assert observed == {str(case): case.expected for case in CASES}
