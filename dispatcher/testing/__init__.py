"""Tests of rules: TOML files beside the rules that say what becomes of tickets, run and told as data.

A tests file is read (definitions.py over document.py), its tickets are found (tickets.py) and decided by the rules that
it is for, and what is expected is compared with the decision (expectations.py), with reasons why a rule did not fire
(reasons.py). running.py puts it together; coverage.py tells what no test came by. Results are data (results.py);
`dispatcher.render` makes text and XML of it.

A test depends on nothing but its files: variables, defaults, time zone and the time of arrival are those of the tests
file, or fixed ones, and never those of `dispatcher.toml` or of the clock. The limits of one evaluation end a rule that
would run for ever, so a test needs no time limit of its own.
"""

from __future__ import annotations

from dispatcher.testing.results import Report
from dispatcher.testing.running import run_given, run_tests

__all__ = ["Report", "run_given", "run_tests"]
