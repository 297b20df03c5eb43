"""The crash test itself: what it counts, and a short run of it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from tests.crash.verdict import Verdict, judge
from tests.programs import ROOT

ACCEPTED = {"a": "key-1", "b": "key-2"}


def in_halo(reference: str, notes: int = 1) -> dict[str, Any]:
    """Return a ticket as the emulator lists it."""
    return {"third_party_id_string": reference, "notes": [{}] * notes}


def test_all_is_well() -> None:
    """Every accepted ticket once, each with one note, is what was promised."""
    verdict = judge(ACCEPTED, [in_halo("b"), in_halo("a")])
    assert verdict == Verdict(accepted=2, filed=2, notes=2)
    assert verdict.good
    assert (verdict + verdict).line(7) == "kills 7 accepted 4 filed 4 lost 0 duplicated 0 notes 4"


@pytest.mark.parametrize(
    ("accepted", "found", "verdict"),
    [
        pytest.param(
            ACCEPTED,
            [in_halo("a")],
            Verdict(2, filed=1, lost=1, notes=1, problems=("ticket b is in Halo 0 times",)),
            id="lost",
        ),
        pytest.param(
            ACCEPTED,
            [in_halo("a"), in_halo("b"), in_halo("b", 0)],
            Verdict(2, filed=2, duplicated=1, notes=2, problems=("ticket b is in Halo 2 times",)),
            id="filed twice",
        ),
        pytest.param(
            ACCEPTED,
            [in_halo("a", 2), in_halo("b")],
            Verdict(2, filed=2, duplicated=1, notes=3, problems=("ticket a has 2 notes",)),
            id="two notes",
        ),
        pytest.param(
            ACCEPTED,
            [in_halo("a", 0), in_halo("b")],
            Verdict(2, filed=2, notes=1, problems=("ticket a has 0 notes",)),
            id="no note",
        ),
        pytest.param(
            ACCEPTED,
            [in_halo("a"), in_halo("b"), in_halo("")],
            Verdict(2, filed=2, duplicated=1, notes=3, problems=("ticket '' is in Halo, and nobody got a 202 for it",)),
            id="unknown",
        ),
        pytest.param(
            {"a": "key-1", "b": "key-1"},
            [in_halo("a"), in_halo("b")],
            Verdict(2, filed=2, duplicated=1, notes=2, problems=("the Idempotency-Key key-1 made 2 tickets",)),
            id="one key, two tickets",
        ),
    ],
)
def test_what_counts_as_wrong(accepted: dict[str, str], found: list[dict[str, Any]], verdict: Verdict) -> None:
    """Whatever is missing or there twice is counted, named, and no success."""
    assert judge(accepted, found) == verdict
    assert not verdict.good


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_short_run() -> None:
    """After kills of every process, on both databases and with a Halo that fails, all is in Halo exactly once."""
    command = [sys.executable, "-m", "tests.crash", "--quick"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            output, _ = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            # Not killed, so that what it has started ends, too.
            process.terminate()
            raise
    last = output.splitlines()[-1]
    counts = re.fullmatch(r"kills (\d+) accepted (\d+) filed \2 lost 0 duplicated 0 notes \2", last)
    assert (process.returncode, bool(counts)) == (0, True), output
    assert counts is not None
    assert int(counts[1]) >= 1
    assert int(counts[2]) >= 16
