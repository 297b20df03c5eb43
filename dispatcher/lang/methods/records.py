"""The methods and fields of values that only modules make: text templates, and what a failed reading tells."""

from __future__ import annotations

from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import LENGTH, RESULT
from dispatcher.lang.methods.entry import field, method
from dispatcher.lang.text_template import Template


def _substitute(meter: Meter, owner: Template, /, *mapping: Any, **named: Any) -> str:
    return owner.substitute(meter, *mapping, **named)


def _safe_substitute(meter: Meter, owner: Template, /, *mapping: Any, **named: Any) -> str:
    return owner.safe_substitute(meter, *mapping, **named)


def _get_identifiers(meter: Meter, owner: Template, /) -> list[str]:
    return owner.get_identifiers(meter)


def _is_valid(meter: Meter, owner: Template, /) -> bool:
    return owner.is_valid(meter)


TEMPLATE = (
    method("get_identifiers", "get_identifiers()", "the names in the template", _get_identifiers, LENGTH),
    method("is_valid", "is_valid()", "True when `substitute` can read it", _is_valid, LENGTH),
    method(
        "safe_substitute",
        "safe_substitute(mapping={}, /, **named)",
        "the template filled in; what is missing stays as it is",
        _safe_substitute,
        RESULT,
    ),
    method("substitute", "substitute(mapping={}, /, **named)", "the template filled in", _substitute, RESULT),
    field("template", "the template as text"),
)

_PLACE = (
    field("msg", "what is wrong"),
    field("pos", "where it is wrong"),
    field("lineno", "the line of that place"),
    field("colno", "the column of that place"),
)
JSON_ERROR = (*_PLACE, field("doc", "the text that was read"))
REGEX_ERROR = (*_PLACE, field("pattern", "the pattern that was read"))
