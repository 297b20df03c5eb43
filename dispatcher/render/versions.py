"""Versions of rules as text: their history, their files, what is different, and what publishing did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dispatcher.render.text import Line, count

# Of a revision so much is shown, and is enough to name it.
SHORT = 8
_ORIGINS = {
    "publish": "published",
    "rollback": "rolled back",
    "folder": "files changed",
    "settings": "settings changed",
}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_CHANGE_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}


def history(page: Mapping[str, Any], *, older: bool = False) -> Iterator[Line]:
    """Yield a table of versions, the newest first, and how to see older ones; `older`: this is not the first page."""
    if not page["versions"]:
        yield [
            (
                "",
                "there are no older ones" if older else "no rules are in force yet: start the service, or publish some",
            )
        ]
        return
    rows = [_row(version) for version in page["versions"]]
    heading = ("  REVISION", "SINCE (UTC)", "HOW", "WHO", "COMMENT")
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    yield [("bold", _columns(heading, widths))]
    for version, row in zip(page["versions"], rows, strict=True):
        yield [("bold green" if version["active"] else "", _columns(row, widths))]
    if page["next"] is not None:
        yield from ([], [("", f"older ones: add --before {page['next']}")])


def _row(version: Mapping[str, Any]) -> tuple[str, ...]:
    mark = "* " if version["active"] else "  "
    how = _ORIGINS[version["origin"]]
    # Of these nobody is the author.
    who = "" if version["origin"] in ("folder", "settings") else version["by"]
    tests = version["checks"].get("tests") or {}
    failing = tests.get("failed", 0) + tests.get("errors", 0)
    comment = version["comment"] + (f" ({count(failing, 'failing test')})" if failing else "")
    return mark + version["revision"][:SHORT], _minute(version["since"]), how, who, comment.strip()


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def revision(shown: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the files of a revision, and when they were in force."""
    yield [("bold", f"revision {shown['revision']}"), ("bold green", "  in force" if shown["active"] else "")]
    for version in shown["versions"]:
        by = "" if version["origin"] in ("folder", "settings") else f" by {version['by']}"
        comment = f": {version['comment']}" if version["comment"] else ""
        yield [("dim", f"  {_ORIGINS[version['origin']]} on {_minute(version['since'])} UTC{by}{comment}")]
    for name, text in shown["files"].items():
        yield from ([], [("bold cyan", f"--- {name}")])
        yield from ([("", line)] for line in text.split("\n")[: -1 if text.endswith("\n") else None])


def difference(found: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what is different between two revisions."""
    if not found["changes"]:
        yield [("", "no difference")]
    for change in found["changes"]:
        yield from _diff(change)


def publication(done: Mapping[str, Any], *, dry_run: bool = False) -> Iterator[Line]:
    """Yield what publishing, or going back, changed or would change."""
    short, replaced = done["revision"][:SHORT], done["replaced"]
    if not done["changed"]:
        yield [("", f"these rules are in force already: revision {short}, since {_minute(replaced['since'])} UTC")]
        return
    for change in done["changes"]:
        yield from _diff(change)
    yield from ([[]] if done["changes"] else [])
    for change in done["changes"]:
        numbers = f"  +{change['lines_added']} -{change['lines_removed']}"
        yield [(_CHANGE_STYLES[change["change"]], f"{change['change']:7}"), ("", f"  {change['file']}{numbers}")]
    warnings = [problem for problem in done["diagnostics"] if problem["severity"] == "warning"]
    if warnings:
        yield [("yellow", f"{count(len(warnings), 'warning')}: `dispatcher check` shows what to mend")]
    if dry_run or done["version"]["origin"] == "publish":
        yield from _tests(done["tests"])
        yield from _backtest(done["backtest"])
    if dry_run:
        yield [("bold", f"not published: this was a dry run; the revision would be {short}")]
        return
    yield [("bold green", f"revision {short} is in force"), ("", "; a running service decides by it within seconds")]
    if replaced is not None:
        yield [("", f"the way back: dispatcher rules rollback {replaced['revision'][:SHORT]}")]


def _tests(tests: Mapping[str, Any] | None) -> Iterator[Line]:
    if tests is None:
        yield [("yellow", "no tests: nothing says whether these rules do what they should")]
        return
    failing = tests["failed"] + tests["errors"]
    said = f"{tests['passed']} of {count(tests['tests'], 'test')} passed"
    yield [("bold red" if failing else "green", said)]


def _backtest(found: Mapping[str, Any] | None) -> Iterator[Line]:
    if found is None or not found["tickets"]:
        return
    parts = [f"{name} on {number}" for name, number in found["variables"].items()]
    for kind, new, gone in (("refused", "now refused", "no longer refused"), ("faults", "new faults", "faults gone")):
        numbers = found[kind]
        parts += [f"{words} on {numbers[which]}" for which, words in (("new", new), ("gone", gone)) if numbers[which]]
    what = f": {', '.join(parts)}" if parts else ""
    yield [
        ("", f"of the newest {count(found['tickets'], 'ticket')}, {found['changed']} would be decided otherwise{what}")
    ]


def _diff(change: Mapping[str, Any]) -> Iterator[Line]:
    for number, line in enumerate(change["diff"].split("\n")[:-1]):
        # The first two lines name both sides.
        yield [("bold" if number < 2 else _DIFF_STYLES.get(line[:1], ""), line)]


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")
