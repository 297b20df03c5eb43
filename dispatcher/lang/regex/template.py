"""Replacement templates: text with references to groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatcher.lang.budget import Meter

if TYPE_CHECKING:
    from dispatcher.lang.regex import sre

CHARACTER_STEPS = 10


def read_template(meter: Meter, template: Any, pattern: sre.GroupNames) -> list[str | int]:
    """Return the parts of a template: texts and numbers of groups; raise what CPython raises."""
    if not isinstance(template, str):
        # Refuses in CPython's words what is neither text nor bytes.
        template = str(template, "latin1")
        raise TypeError("sequence item 0: expected str instance, bytes found")
    if "\\" not in template:
        return [template]
    meter.charge(CHARACTER_STEPS * len(template))
    from dispatcher.lang.regex.sre import parse_template

    return parse_template(template, pattern)


def expand_template(meter: Meter, parts: list[str | int], text: str, spans: tuple[tuple[int, int], ...]) -> str:
    """Return the parts as one text, with the texts of groups filled in; a group that took no part is empty."""
    size = sum([spans[part][1] - spans[part][0] if isinstance(part, int) else len(part) for part in parts])
    meter.charge(len(parts) + (size >> 8))
    if size > meter.limits.text:
        meter.text(size)
    return "".join([text[slice(*spans[part])] if isinstance(part, int) else part for part in parts])
