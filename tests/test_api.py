"""What programs import from `dispatcher`."""

from __future__ import annotations

import subprocess
import sys

import dispatcher


def test_the_public_names_are_pinned() -> None:
    """No public name comes or goes unnoticed."""
    assert dispatcher.__all__ == [
        "Change",
        "Decision",
        "Diagnostic",
        "DispatcherError",
        "Explainer",
        "Explanation",
        "Fault",
        "Limits",
        "RuleOutcome",
        "RuleSet",
        "RulesError",
        "check",
        "run_tests",
    ]
    assert all(hasattr(dispatcher, name) for name in dispatcher.__all__)


def test_checking_and_running_load_nothing_of_the_service() -> None:
    """The command line's check and run need neither the web, the database nor the HTTP libraries."""
    heavy = ("fastapi", "pydantic", "httpx", "sqlalchemy", "psycopg", "uvicorn", "rich")
    code = f"import sys, dispatcher.cli; print([name for name in {heavy!r} if name in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded == "[]\n"
