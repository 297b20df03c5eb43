"""The load test itself, for a second."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.load.__main__ import main


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it reads times and memory as Linux shows them")
def test_one_second(capsys: pytest.CaptureFixture[str]) -> None:
    """It measures both servers, finds all that was accepted, before and after a restart, and says so."""
    assert main(["--seconds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:5]] == ["service", "reference"]
    assert re.fullmatch(
        r"accepted [1-9]\d*, missing 0, after a restart 0; filed \d+, twice 0, by \d+ requests", lines[-1]
    )
