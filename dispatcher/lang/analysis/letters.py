"""The case of letters: texts that can never be part of what `lower`, `upper` or `casefold` returns."""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.lang.analysis.facts import Letters

_MAPPINGS: dict[Letters, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "casefold": str.casefold,
}


def never_in(letters: Letters, text: str) -> bool:
    """Tell whether a text holds a character that the mapping always replaces."""
    mapping = _MAPPINGS[letters]
    return any(mapping(character) != character for character in text)
