"""Symbols: where a file binds and reads each of its names, and its rules with their titles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from dispatcher.lang import syntax
from dispatcher.lang.analysis.usage import Scope, Site, Usage
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source, Span
from dispatcher.lang.syntax import Node

# Longest piece of a rule that stands for one without a title.
MAX_TITLE = 80


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name; `whole` is the node that does."""

    name: str
    place: Span
    role: str
    whole: Node


@dataclass(frozen=True, slots=True)
class Rule:
    """One top-level statement, with its title or else its first line, and the functions defined in it."""

    title: str
    place: Span
    heading: Span
    is_function: bool


class Symbols(Usage):
    """The names of a file by where they stand."""

    def __init__(self, source: Source, module: syntax.Module, aliases: dict[str, str]) -> None:
        self._source = source
        self._module = module
        self._reads: list[tuple[syntax.Name, Scope]] = []
        super().__init__(module, aliases)
        self._names = sorted(self._all_names(), key=lambda found: found[0])
        self._starts = [place.start for place, _, _ in self._names]

    def visit(self, node: Node, scope: Scope) -> None:
        """Note the names that are read, beside what they are used for."""
        if isinstance(node, syntax.Name):
            self._reads.append((node, scope))
        super().visit(node, scope)

    def name_at(self, offset: int) -> tuple[str, Span] | None:
        """Return the name at an offset and its place."""
        found = self._at(offset)
        return (found[1], found[0]) if found is not None else None

    def bindings(self, offset: int) -> list[Binding]:
        """Return the places that bind the variable at an offset, in order; none for what no file binds."""
        found = self._at(offset)
        if found is None:
            return []
        _, name, scope = found
        owner, own = self.owner(scope, name)
        sites = owner.sites.get(own, []) if owner is not None else []
        unique = {place: Binding(own, place, site.role, site.node) for site in sites for place in [_place(site)]}
        return [unique[place] for place in sorted(unique)]

    def places(self, offset: int) -> list[tuple[Span, bool]]:
        """Return all places of the name at an offset, each with whether it binds the name."""
        found = self._at(offset)
        if found is None:
            return []
        _, name, scope = found
        wanted = self.owner(scope, name)
        bound = {binding.place for binding in self.bindings(offset)}
        return [(place, place in bound) for place, name, scope in self._names if self.owner(scope, name) == wanted]

    def rules(self) -> Iterator[Rule]:
        """Yield the top-level statements in order."""
        for statement in self._module.body:
            line, _ = self._source.position(statement.start)
            text = self._source.line(line).strip()
            above = self._source.line(line - 1)
            title = above.lstrip("#").strip() if above.startswith("#") else ""
            first = Span(statement.start, min(statement.end, statement.start + len(text)))
            yield Rule(
                (title or text)[:MAX_TITLE], statement.span, first, is_function=isinstance(statement, syntax.Function)
            )

    def _at(self, offset: int) -> tuple[Span, str, Scope] | None:
        index = bisect_right(self._starts, offset) - 1
        if index < 0 or offset > self._names[index][0].end:
            return None
        return self._names[index]

    def _all_names(self) -> Iterator[tuple[Span, str, Scope]]:
        seen: set[Span] = set()
        for scope in self:
            for name, sites in scope.sites.items():
                for site in sites:
                    place = _place(site)
                    if site.role != "shared" and place not in seen:
                        seen.add(place)
                        yield place, name, scope
        for node, scope in self._reads:
            if node.span not in seen:
                seen.add(node.span)
                yield node.span, node.id, scope


def _place(site: Site) -> Span:
    """Return where the name itself stands in what binds it."""
    match site.node:
        case syntax.Function(name=name):
            return name.span
        case syntax.ImportedName(variable=variable, end=end):
            return Span(end - len(variable), end)
        case syntax.Parameter(name=name, kind=kind, start=start):
            begin = start + len(kind)
            return Span(begin, begin + len(name))
        case node:
            return node.span
