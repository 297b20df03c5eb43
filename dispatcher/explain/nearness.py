"""How near a condition came to hold: the first part that failed, a score, and what nearly matched."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from dispatcher.tracing import UNKNOWN, SeenPart

# Words of a text that are looked at for one like another, and how alike they have to be.
WORDS = 2_000
ALIKE = 0.8
# Characters beyond which texts are not compared for likeness.
LONGEST = 200
# Numbers beyond which nobody compares one with another.
LARGEST = 10**15

_EQUAL = frozenset({"==", "is"})
_ORDER = frozenset({"<", "<=", ">", ">="})
_COLLECTIONS = (list, tuple, set, frozenset, dict)


def first_miss(part: SeenPart, *, wanted: bool = True) -> SeenPart:
    """Return the plain part because of which a condition is not as wanted; of alternatives, in the nearest one."""
    match part.kind:
        case "not":
            return first_miss(part.parts[0], wanted=not wanted)
        case "and" | "or" if (part.kind == "and") is wanted:
            missed = next((inner for inner in part.parts if inner.truth is not wanted), None)
            return first_miss(missed, wanted=wanted) if missed is not None else part
        case "and" | "or":
            return first_miss(max(part.parts, key=lambda inner: score(inner, wanted=wanted)), wanted=wanted)
        case _:
            return part


def score(part: SeenPart, *, wanted: bool = True) -> float:
    """Return how much of a condition is as wanted, from 0 to 1."""
    match part.kind:
        case "not":
            return score(part.parts[0], wanted=not wanted)
        case "and" | "or" if (part.kind == "and") is wanted:
            held = 0.0
            for inner in part.parts:
                held += score(inner, wanted=wanted)
                if inner.truth is not wanted:
                    # What stands behind was not looked at.
                    break
            return held / len(part.parts)
        case "and" | "or":
            return max(score(inner, wanted=wanted) for inner in part.parts)
        case _:
            if part.truth is wanted:
                return 1.0
            return 0.5 if wanted and part.truth is not None and hint(part) else 0.0


def hint(part: SeenPart) -> str:
    """Return what nearly made a plain part true, in words; '' where nothing did."""
    if part.truth is not False or len(part.operands) != 2 or UNKNOWN in map(_identity, part.operands):
        return ""
    left, right = part.operands
    if part.op in _EQUAL:
        return _nearly_equal(left, right)
    if part.op == "in":
        return _nearly_in(left, right)
    if part.op in _ORDER:
        return _distance(left, right)
    if part.op in (".startswith", ".endswith"):
        return _nearly_at_edge(part.op, left, right)
    return ""


def _identity(value: Any) -> Any:
    # Values of rules may be equal to anything, and take long to compare.
    return value if value is UNKNOWN else None


def _nearly_equal(left: Any, right: Any) -> str:
    if isinstance(left, str) and isinstance(right, str):
        if _same_but_case(left, right):
            return "they differ in upper and lower case only"
        folded, other = "".join(left.split()), "".join(right.split())
        if folded == other:
            return "they differ in white space only"
        if _same_but_case(folded, other):
            return "they differ in white space and in upper and lower case only"
        return "they are nearly alike" if _alike(left, right) else ""
    number, text = (right, left) if isinstance(left, str) else (left, right)
    if isinstance(text, str) and _is_number(number):
        return "one is a number, the other text" if str(number) == text.strip() else ""
    return ""


def _same_but_case(one: str, other: str) -> bool:
    # Folding makes one letter of several, too, as with the German ss: texts of one length are alike letter by letter.
    return len(one) == len(other) and one.casefold() == other.casefold()


def _nearly_in(wanted: Any, found: Any) -> str:
    if not isinstance(wanted, str):
        if isinstance(found, _COLLECTIONS) and _is_number(wanted) and str(wanted) in _texts(found):
            return f"{str(wanted)!r} is there as text"
        return ""
    if isinstance(found, str):
        return _nearly_in_text(wanted, found)
    if isinstance(found, _COLLECTIONS):
        for text in _texts(found):
            if near := _nearly_equal(wanted, text):
                return f"{text!r} is there: {near}"
        if wanted in [str(item) for item in found if _is_number(item)]:
            return f"{wanted} is there as a number"
    return ""


def _texts(found: Any) -> list[str]:
    return [item for item in found if isinstance(item, str)][:WORDS]


# What a condition comes by is asked for several times, one after the other.
@lru_cache(maxsize=64)
def _nearly_in_text(wanted: str, text: str) -> str:
    folded = text.casefold()
    # Where folding changes the length of a text, places in it are not those of the text.
    at = folded.find(wanted.casefold()) if len(folded) == len(text) else -1
    if at >= 0 and wanted:
        return f"{text[at : at + len(wanted)]!r} is there: only upper and lower case differ"
    size = len(wanted.split())
    alike = next((run for run in _like_in_size(wanted, text, size) if _alike(wanted, run)), None) if size else None
    return f"{alike!r} is there, which is nearly alike" if alike is not None else ""


def _like_in_size(wanted: str, text: str, size: int) -> Iterator[str]:
    """Yield the runs of words of a text that may be like a text, by their lengths and their letters."""
    letters, length = _letters(wanted), len(wanted)
    for run, its_letters in _runs(text, size):
        # Letters that are not in both have no counterpart.
        spare = round((1 - ALIKE) * (length + len(run)), 6)
        if abs(length - len(run)) <= spare and (letters ^ its_letters).bit_count() <= spare:
            yield run


@lru_cache(maxsize=8)
def _runs(text: str, size: int) -> tuple[tuple[str, int], ...]:
    """Return each run of as many words of a text once, in order, with its letters."""
    words = text.split()[:WORDS]
    runs = [" ".join(words[start : start + size]).strip(".,;:!?\"'()") for start in range(len(words) - size + 1)]
    return tuple([(run, _letters(run)) for run in dict.fromkeys(runs)])


def _letters(text: str) -> int:
    """Return the set of letters of a text as bits; letters far apart may share one."""
    return sum(1 << letter for letter in {ord(letter) % 64 for letter in text.casefold()})


def _nearly_at_edge(op: str, text: Any, edges: Any) -> str:
    if not isinstance(text, str):
        return ""
    for edge in (edges,) if isinstance(edges, str) else edges if isinstance(edges, tuple) else ():
        if isinstance(edge, str) and edge:
            found = text[: len(edge)] if op == ".startswith" else text[-len(edge) :]
            if _same_but_case(found, edge):
                return f"it is {found!r} there: only upper and lower case differ"
    return ""


def _distance(left: Any, right: Any) -> str:
    if not (_is_number(left) and _is_number(right)):
        return ""
    missing = abs(left - right)
    return f"{missing:g} away" if 0 < missing <= 0.2 * max(abs(left), abs(right), 5) else ""


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number of a size that people compare."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _alike(a: str, b: str) -> bool:
    if max(len(a), len(b)) > LONGEST or min(len(a), len(b)) < 3:
        return False
    matcher = difflib.SequenceMatcher(None, a.casefold(), b.casefold(), autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE
