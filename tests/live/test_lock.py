"""The lock file: what it keeps, what a further look changes in it, and what it says when it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.errors import DispatcherError
from dispatcher.live.lock import Lock, Locked

DESK, NIGHT = Locked("Desk", {None: 3}), Locked("Night", {None: 4})
HIGH = Locked("High", {1: 2, 2: 1})


def test_a_lock_is_read_as_written(tmp_path: Path) -> None:
    """The file gives back what was put in, and its text does not depend on the order of names."""
    path = tmp_path / "dispatcher.lock.json"
    lock = Lock({"team": {"desk": DESK, "Night": NIGHT}, "priority": {"High": HIGH}, "agent": {}})
    path.write_text(lock.text(), encoding="utf-8")

    assert Lock.read(path) == Lock({"team": {"Night": NIGHT, "desk": DESK}, "priority": {"High": HIGH}})
    assert lock.text() == Lock({"priority": {"High": HIGH}, "team": {"Night": NIGHT, "desk": DESK}}).text()


def test_without_a_file_there_is_no_lock(tmp_path: Path) -> None:
    """A file that is not there is no error."""
    assert Lock.read(tmp_path / "dispatcher.lock.json") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version": 1}',
        '{"version": 1, "names": []}',
        '{"version": 1, "names": {"team": {"a": 1}}}',
        '{"version": 1, "names": {"team": {"a": {"id": "1", "name": "A"}}}}',
        '{"version": 1, "names": {"team": {"\\ud800": {"id": 1, "name": "A"}}}}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    """What is no lock file is refused with its name and what to do."""
    path = tmp_path / "dispatcher.lock.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DispatcherError) as caught:
        Lock.read(path)

    assert str(caught.value) == (
        f"{path}: this is no lock file; restore it from version control, or delete it and let "
        "`dispatcher check --live` write a new one"
    )


def test_a_further_look() -> None:
    """Unknown names keep their ids as long as rules use them; other meanings are taken only when accepted."""
    old = Lock({"team": {"Desk": DESK, "Gone": NIGHT, "Unused": NIGHT}})
    now = {"team": {"Desk": NIGHT, "New": DESK}}
    used = frozenset({("team", "Desk"), ("team", "Gone"), ("team", "New")})

    assert old.renewed(now, used, accept=False, whole=True).names == {
        "team": {"Desk": DESK, "Gone": NIGHT, "New": DESK}
    }
    assert old.renewed(now, used, accept=True, whole=True).names == {
        "team": {"Desk": NIGHT, "Gone": NIGHT, "New": DESK}
    }
    assert old.renewed(now, used, accept=False, whole=False).names == {
        "team": {"Desk": DESK, "Gone": NIGHT, "Unused": NIGHT, "New": DESK}
    }
