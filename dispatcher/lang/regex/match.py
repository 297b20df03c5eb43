"""What a search found; behaves as CPython's match object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dispatcher.lang.budget import Meter
from dispatcher.lang.regex.template import expand_template, read_template

if TYPE_CHECKING:
    from dispatcher.lang.regex.machine import Spans
    from dispatcher.lang.regex.pattern import Pattern
    from dispatcher.lang.regex.program import Found

_SHOWN = 50


class Match:
    """A match. It keeps the meter of its evaluation, which pays for the texts that are cut out of it."""

    __slots__ = ("_meter", "_spans", "endpos", "lastindex", "pos", "re", "string")

    def __init__(self, meter: Meter, pattern: Pattern, string: str, pos: int, endpos: int, found: Found) -> None:
        self._meter = meter
        self._spans: Spans = found[0]
        self.lastindex: Final = found[1]
        self.re: Final = pattern
        self.string: Final = string
        self.pos: Final = pos
        self.endpos: Final = endpos

    def __repr__(self) -> str:
        begin, end = self._spans[0]
        shown = self.string[begin : min(end, begin + _SHOWN)]
        if end - begin > _SHOWN:
            # No more than this can be seen, but the quotes around it depend on those in all of the text.
            shown += "".join(quote for quote in "'\"" if self.string.find(quote, begin, end) >= 0)
        return f"<re.Match object; span=({begin}, {end}), match={repr(shown)[:_SHOWN]}>"

    def __getitem__(self, group: Any) -> Any:
        return self._text(self._index(group), None)

    @property
    def lastgroup(self) -> str | None:
        """The name of the group that ended last, if it has one."""
        for name, index in self.re.groupindex.items():
            if index == self.lastindex:
                return name
        return None

    def group(self, *groups: Any) -> Any:
        """Return the text of a group, or a tuple of texts for several groups."""
        if len(groups) > 1:
            self._meter.items(len(groups))
            return tuple([self[group] for group in groups])
        return self[groups[0] if groups else 0]

    def groups(self, default: Any = None) -> tuple[Any, ...]:
        """Return the texts of all groups."""
        self._meter.items(len(self._spans))
        return tuple([self._text(index, default) for index in range(1, len(self._spans))])

    def groupdict(self, default: Any = None) -> dict[str, Any]:
        """Return the texts of all named groups."""
        self._meter.items(2 * len(self._spans))
        return {name: self._text(index, default) for name, index in self.re.groupindex.items()}

    def start(self, group: Any = 0, /) -> int:
        """Return where a group begins; -1 when it took no part."""
        return self.span(group)[0]

    def end(self, group: Any = 0, /) -> int:
        """Return where a group ends; -1 when it took no part."""
        return self.span(group)[1]

    def span(self, group: Any = 0, /) -> tuple[int, int]:
        """Return where a group begins and ends."""
        return self._spans[self._index(group)]

    def expand(self, template: Any) -> str:
        """Return the template with the texts of groups filled in."""
        parts = read_template(self._meter, template, self.re)
        expanded = expand_template(self._meter, parts, self.string, self._spans)
        return self._meter.made_text(expanded, self._meter.text(len(expanded)))

    def _text(self, index: int, default: Any) -> Any:
        begin, end = self._spans[index]
        if begin < 0:
            return default
        return self._meter.piece(self.string, begin, end)

    def _index(self, group: Any) -> int:
        names = self.re.groupindex
        index = -1
        if hasattr(group, "__index__"):
            index = int(group)
        elif type(group) is str:
            # Nothing else is the name of a group, and hashing it could take long.
            index = names.get(group, -1)
        elif names and type(group) in (list, dict, set):
            raise TypeError(f"unhashable type: '{type(group).__name__}'")
        if not 0 <= index < len(self._spans):
            raise IndexError("no such group")
        return index
