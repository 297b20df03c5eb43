"""What exceptions that name a place in a text are made of."""

from __future__ import annotations

from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.exceptions import RAISE_COST
from dispatcher.lang.values import type_name


def charge_place(meter: Meter, text: Any) -> None:
    """Charge for an exception that names a place in `text`, whose lines Python counts; raise what it raises."""
    if isinstance(text, list | tuple | range):
        raise TypeError("count() takes exactly one argument (3 given)")
    if type(text) is not str:
        raise AttributeError(f"'{type_name(text)}' object has no attribute 'count'")
    meter.charge(RAISE_COST + (len(text) >> 6))
