"""The demo, run as a newcomer runs it."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dispatcher import RuleSet
from service import demo
from service.demo import SAMPLES, Result, Sample, run_demo
from tests.service.fakes import wait_until

RULES = Path(demo.__file__).parent / "demo_rules"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def words(output: str) -> str:
    """Return the output without the table's lines and line ends."""
    return " ".join(re.sub("[│─╭╮╰╯├┤┬┴┼]", " ", output).split())


def test_the_demo_files_every_ticket(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `once` the demo ends by itself with 0, whatever the environment says, and leaves nothing behind."""
    monkeypatch.setenv("DISPATCHER_HALO_RESOURCE_SERVER", "https://real.halopsa.example/api")
    monkeypatch.setenv("DISPATCHER_ON_FAULT", "refuse")
    threads = threading.active_count()
    out = io.StringIO()
    assert run_demo(once=True, out=out) == 0
    shown = words(out.getvalue())
    assert re.findall(r"filed as (\d+)|(refused)", shown).count(("", "refused")) == 1
    assert sorted(re.findall(r"filed as (\d+)", shown)) == ["1001", "1002", "1003", "1004", "1005"]
    assert re.search(r"\*\*EMERGENCY\*\* The MRI .* priority Critical", shown)
    assert "[Submission Errors]" in shown
    assert "Laboratory Team" in shown
    assert "\x1b" not in out.getvalue()
    assert re.search(r"What Halo holds +http://127\.0\.0\.1:\d+/\n", out.getvalue())
    assert list(scratch.iterdir()) == []
    wait_until(lambda: threading.active_count() == threads)


@pytest.mark.usefixtures("scratch")
def test_the_demo_tells_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket that does not become what it must is named, and the exit code is 1."""
    monkeypatch.setattr(demo, "SAMPLES", (replace(SAMPLES[1], refused=True),))
    out = io.StringIO()
    assert run_demo(once=True, out=out) == 1
    assert re.search(r"^Ticket [0-9a-z]{26}: it was not refused\.$", out.getvalue(), re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no signal to send")
def test_ctrl_c_ends_the_demo(tmp_path: Path) -> None:
    """Ctrl-C ends a demo that keeps running: exit code 0, no traceback, nothing left behind."""
    code = "import sys; from service.demo import run_demo; sys.exit(run_demo(once=False, out=sys.stdout))"
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if line.startswith("Press Ctrl-C"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
        problems = process.stderr.read()
    assert (process.returncode, rest, problems) == (0, "Stopped.\n", "")
    assert list(tmp_path.iterdir()) == []


def test_the_rules_of_the_demo() -> None:
    """The rules of the demo have no problems, and each of their rules has a title."""
    ruleset = RuleSet.load(RULES)
    decision = ruleset.decide({"msg": "x"})
    assert ruleset.diagnostics == []
    titles = [rule.title for rule in (*decision.fired, *decision.not_fired) if rule.title]
    assert set(titles) == {
        "VIPs do not wait",
        "Emergencies first",
        "A printer that only wants something",
        "Team by e-mail domain",
        "The laboratory's engineer",
        "The contract has ended",
        "After hours",
    }


def view(state: str = "filed", **fields: Any) -> dict[str, Any]:
    """Return what the service says of a ticket."""
    return {"state": state, "submission_errors": [], "last_error": "Halo is away", **fields}


ONE = {"notes": [{"id": 1}]}


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (Result(Sample({}), view(), (ONE,)), None),
        (Result(Sample({}, refused=True), view("refused"), ()), None),
        (Result(Sample({}, refused=True), view("refused"), (ONE,)), "it was not refused"),
        (Result(Sample({}), view("accepted"), ()), "it is accepted after 30 s: Halo is away"),
        (Result(Sample({}), view(), ()), "Halo does not hold exactly one ticket with one note"),
        (Result(Sample({}), view(), (ONE, ONE)), "Halo does not hold exactly one ticket with one note"),
        (
            Result(Sample({}), view(), ({"notes": []},)),
            "Halo does not hold exactly one ticket with one note",
        ),
        (
            Result(Sample({}), view(submission_errors=[{"variable": "team"}]), (ONE,)),
            "Halo did not know ('team',), expected ()",
        ),
    ],
)
def test_what_counts_as_wrong(result: Result, problem: str | None) -> None:
    """A ticket must be filed once with one note and the expected errors, or be refused and not filed."""
    assert result.problem() == problem
