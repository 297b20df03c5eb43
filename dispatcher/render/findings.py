"""What checks of Halo found, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dispatcher.render.text import Line, count

_VERDICT_STYLE = {"ok": "green", "warning": "bold yellow", "failed": "bold red", "skipped": "dim"}
# As wide as the longest verdict, and as the names of nearly all checks.
_VERDICT_WIDTH, _CHECK_WIDTH = 7, 20


def finding(found: Mapping[str, str], width: int | None = None) -> list[Line]:
    """Return what a check of Halo found: verdict, check, detail and help; in one line, or wrapped at `width`."""
    heading: Line = [
        (_VERDICT_STYLE[found["verdict"]], f"{found['verdict']:<{_VERDICT_WIDTH}}  "),
        ("bold", f"{found['check']:<{_CHECK_WIDTH}}  "),
    ]
    margin = sum(len(text) for _, text in heading)
    body: list[Line] = [[("", row)] for row in _wrapped(found["detail"], width and width - margin)]
    if found["help"]:
        first, *more = _wrapped(f"help: {found['help']}", width and width - margin)
        body += [[("green", "help"), ("", first.removeprefix("help"))], *([("", row)] for row in more)]
    if width is None:
        detail, *aid = body
        return [[*heading, *detail, *(piece for line in aid for piece in (("", " "), *line))]]
    return [[*heading, *body[0]], *([("", " " * margin), *line] for line in body[1:])]


def verdicts(found: Iterable[Mapping[str, str]]) -> Line:
    """Return how many checks ended in which way."""
    every = [finding["verdict"] for finding in found]
    counts = [(every.count(verdict), verdict) for verdict in _VERDICT_STYLE]
    words = [count(number, verdict) if verdict == "warning" else f"{number} {verdict}" for number, verdict in counts]
    return [("bold", ", ".join(text for text, (number, _) in zip(words, counts, strict=True) if number))]


def _wrapped(text: str, width: int | None) -> list[str]:
    if width is None:
        return [text]
    import textwrap  # a check of rules wraps nothing

    # Addresses and ids stay whole, so that they can be copied.
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]
