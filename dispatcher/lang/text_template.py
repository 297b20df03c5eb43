"""Texts with `$name` in them, as `string.Template` has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import text_of
from dispatcher.lang.values import type_name

# Steps for each place of a template.
_PLACE_COST = 15


class Template:
    """A text with `$name` or `${name}` in it, which is filled in from a dict or from named arguments."""

    __slots__ = ("template",)

    def __init__(self, template: Any) -> None:
        self.template: Final = template

    def __repr__(self) -> str:
        return "<string.Template object>"

    def substitute(self, meter: Meter, *mapping: Any, **named: Any) -> str:
        """Return the text filled in; raise KeyError for a name that is missing, ValueError for a stray `$`."""
        value = _values(meter, mapping, named)

        def fill(name: str, _shown: str) -> str:
            return text_of(meter, value(name))

        return self._filled(meter, fill, strict=True)

    def safe_substitute(self, meter: Meter, *mapping: Any, **named: Any) -> str:
        """Return the text filled in; what cannot be stays as it is."""
        value = _values(meter, mapping, named)

        def fill(name: str, shown: str) -> str:
            try:
                found = value(name)
            except KeyError:
                return shown
            return text_of(meter, found)

        return self._filled(meter, fill, strict=False)

    def is_valid(self, meter: Meter) -> bool:
        """Tell whether `substitute` can read the template."""
        return all(found.group("invalid") is None for found in self._places(meter))

    def get_identifiers(self, meter: Meter) -> list[str]:
        """Return the names in the template, each once."""
        names = [found.group("named") or found.group("braced") for found in self._places(meter)]
        meter.items(len(names))
        return list(dict.fromkeys(name for name in names if name))

    def _places(self, meter: Meter) -> Iterator[re.Match[str]]:
        if type(self.template) is not str:
            raise TypeError(f"expected string or bytes-like object, got '{type_name(self.template)}'")
        meter.charge(1 + (len(self.template) >> 3))
        from string import Template as PythonTemplate  # its pattern is compiled when it is imported

        pattern: re.Pattern[str] = PythonTemplate.pattern
        for found in pattern.finditer(self.template):
            meter.charge(_PLACE_COST)
            yield found

    def _filled(self, meter: Meter, fill: Callable[[str, str], str], *, strict: bool) -> str:
        pieces: list[str] = []
        last = 0
        for found in self._places(meter):
            name = found.group("named") or found.group("braced")
            if name:
                piece = fill(name, found.group())
            elif found.group("escaped") is not None:
                piece = "$"
            elif strict:
                raise ValueError(_invalid(self.template, found.start("invalid")))
            else:
                piece = found.group()
            pieces += [self.template[last : found.start()], piece]
            last = found.end()
        pieces.append(self.template[last:])
        charged = meter.text(sum(map(len, pieces)))
        return meter.made_text("".join(pieces), charged)


def _values(meter: Meter, mapping: tuple[Any, ...], named: dict[str, Any]) -> Callable[[str], Any]:
    """Return what looks a name up; named arguments come first."""
    if len(mapping) > 1:
        raise TypeError(f"substitute() takes from 1 to 2 positional arguments but {len(mapping) + 1} were given")
    if not mapping:
        return named.__getitem__
    (given,) = mapping
    if not isinstance(given, dict):
        raise TypeError(f"a template is filled in from a dict in rules, not from '{type_name(given)}'")
    # A look-up in a dict that fills in what is missing changes it.
    meter.changed = meter.changed or type(given) is not dict
    return lambda name: named[name] if name in named else given[name]


def _invalid(template: str, position: int) -> str:
    before = template[:position].splitlines(keepends=True)
    line = len(before) or 1
    column = position - len("".join(before[:-1])) if before else 1
    return f"Invalid placeholder in string: line {line}, col {column}"
