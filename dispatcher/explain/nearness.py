"""How near a condition came to hold: the first part that failed, a score, and what nearly matched."""

from __future__ import annotations

import difflib
from typing import Any

from dispatcher.tracing import UNKNOWN, SeenPart

# Words of a text that are looked at for one like another, and how alike they have to be.
WORDS = 2_000
ALIKE = 0.8
# Characters beyond which texts are not compared for likeness.
LONGEST = 200

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
        if left.casefold() == right.casefold():
            return "they differ in upper and lower case only"
        if "".join(left.split()).casefold() == "".join(right.split()).casefold():
            return "they differ in white space only"
        return "they are nearly alike" if _alike(left, right) else ""
    if isinstance(left, str) != isinstance(right, str) and _is_number(left) != _is_number(right):
        return "one is a number, the other text" if str(left).strip() == str(right).strip() else ""
    return ""


def _nearly_in(wanted: Any, found: Any) -> str:
    if not isinstance(wanted, str):
        if isinstance(found, _COLLECTIONS) and _is_number(wanted) and str(wanted) in map(str, found):
            return f"{str(wanted)!r} is there as text"
        return ""
    if isinstance(found, str):
        return _nearly_in_text(wanted, found)
    if isinstance(found, _COLLECTIONS):
        texts = [item for item in found if isinstance(item, str)][:WORDS]
        for text in texts:
            if _nearly_equal(wanted, text):
                return f"{text!r} is there: {_nearly_equal(wanted, text)}"
        if wanted.isdecimal() and int(wanted) in [item for item in found if _is_number(item)]:
            return f"{wanted} is there as a number"
    return ""


def _nearly_in_text(wanted: str, text: str) -> str:
    folded = text.casefold()
    # Where folding changes the length of a text, places in it are not those of the text.
    at = folded.find(wanted.casefold()) if len(folded) == len(text) else -1
    if at >= 0 and wanted:
        return f"{text[at : at + len(wanted)]!r} is there: only upper and lower case differ"
    words = text.split()[:WORDS]
    size = len(wanted.split())
    runs = [" ".join(words[start : start + size]).strip(".,;:!?\"'()") for start in range(len(words) - size + 1)]
    alike = next((run for run in runs if wanted.strip() and _alike(wanted, run)), None)
    return f"{alike!r} is there, which is nearly alike" if alike is not None else ""


def _nearly_at_edge(op: str, text: Any, edges: Any) -> str:
    if not isinstance(text, str):
        return ""
    for edge in (edges,) if isinstance(edges, str) else edges if isinstance(edges, tuple) else ():
        if isinstance(edge, str) and edge:
            found = text[: len(edge)] if op == ".startswith" else text[-len(edge) :]
            if found.casefold() == edge.casefold():
                return f"it is {found!r} there: only upper and lower case differ"
    return ""


def _distance(left: Any, right: Any) -> str:
    if not (_is_number(left) and _is_number(right)):
        return ""
    missing = abs(left - right)
    return f"{missing:g} away" if 0 < missing <= 0.2 * max(abs(left), abs(right), 5) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _alike(a: str, b: str) -> bool:
    if max(len(a), len(b)) > LONGEST or min(len(a), len(b)) < 3:
        return False
    matcher = difflib.SequenceMatcher(None, a.casefold(), b.casefold(), autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE
