"""Rule files -> what Halo says of the names that they set."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dispatcher.checking import checked_source
from dispatcher.halo.lookups import Entry, Lookups
from dispatcher.halo.payloads import is_unset
from dispatcher.halo.snapshot import LIST_OF
from dispatcher.lang.diagnostics import Diagnostic, diagnostic
from dispatcher.lang.reaching import DEFAULTS, UNTOLD, Compared, Place, Reached, Reaches, reaching
from dispatcher.lang.records import dataclass
from dispatcher.lang.repairs import Help, repair
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Source, Span
from dispatcher.live.codes import CODES
from dispatcher.live.fixing import is_literal, literal
from dispatcher.live.lock import Lock, Locked
from dispatcher.live.names import Names, Verdict

# The ticket variables that name records of Halo.
VARIABLES = tuple(LIST_OF)

_RENAMING = ("renamed-in-halo", "deleted-in-halo")


@dataclass(frozen=True, slots=True)
class NamesReport:
    """What Halo says of the names in a rule set, and what those that it knows mean; `values` were looked up."""

    diagnostics: tuple[Diagnostic, ...]
    meanings: Mapping[str, Mapping[str, Locked]]
    known: frozenset[tuple[str, Any]]
    values: int

    def failed(self) -> bool:
        """Tell whether a value cannot be filed as it is."""
        return any(problem.severity == "error" for problem in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings give ticket variables before the first rule, and the file that does; None: no file does."""

    values: Mapping[str, Any]
    source: Source | None = None

    def place(self, variable: str) -> tuple[Source, Span]:
        """Return where a default stands; one that no file gives stands in a line that is made for it."""
        if self.source is not None:
            heading = re.search(r"^\s*\[\s*defaults\s*\]", self.source.text, re.MULTILINE)
            begin = heading.end() if heading else 0
            line = re.compile(rf"^[ \t]*{variable}[ \t]*=[ \t]*([^#\n]*[^#\s])", re.MULTILINE)
            found = line.search(self.source.text, begin)
            if found is not None:
                return self.source, Span(*found.span(1))
        text = json.dumps(self.values[variable], ensure_ascii=False)
        start = len(variable) + 3
        return Source(f"{variable} = {text}", "[defaults]"), Span(start, start + len(text))


async def check_names(
    sources: Sequence[Source],
    schema: Schema,
    defaults: Defaults,
    lookups: Lookups,
    lock: Lock | None = None,
    *,
    alone: bool = True,
) -> NamesReport:
    """Return what Halo says of every name that rules without errors, and defaults, can set.

    `alone`: there are no other files and defaults, which may set what these leave unset. Raises HaloRequestError when
    Halo does not show a list.
    """
    files = [checked_source(source, schema)[0] for source in sources]
    reached = reaching(files, VARIABLES, defaults.values, ("priority", "ticketType"))
    return await _Checking(sources, defaults, Names(lookups, lock), reached, alone=alone).report()


class _Checking:
    """Gathers what there is to say of one rule set."""

    def __init__(
        self, sources: Sequence[Source], defaults: Defaults, names: Names, reached: Reached, *, alone: bool
    ) -> None:
        self._alone = alone
        self._sources = sources
        self._defaults = defaults
        self._names = names
        self._reached = reached
        self._diagnostics: dict[tuple[Any, ...], Diagnostic] = {}
        self._meanings: dict[str, dict[str, Locked]] = {}
        self._verdicts: dict[tuple[str, type, Any], Verdict] = {}
        self._types: dict[Any, Entry | None] = {}

    async def report(self) -> NamesReport:
        """Look everything up."""
        await self._find_types()
        defaults = [(name, value) for name, value in self._defaults.values.items() if name in LIST_OF]
        for variable, value in defaults:
            if not is_unset(value):
                verdict = await self._judge(variable, value)
                self._say(verdict, *self._defaults.place(variable))
        for found in self._reached.values:
            if found.place.file != DEFAULTS and not is_unset(found.value):
                self._tell(await self._judge(found.variable, found.value), found)
        for compared in self._reached.compared:
            verdict = await self._judge(compared.variable, compared.value)
            # Rules may compare with what nobody sets; but a name that was one no longer does its work.
            if verdict.code in _RENAMING and not is_unset(compared.value):
                self._tell(verdict, compared)
        for unclear in self._reached.unclear:
            message = f"what `{unclear.variable}` gets here cannot be told before the rule runs: {unclear.why}"
            self._say(Verdict("untold-in-halo", message), *self._where(unclear.place))
        order = {source.filename: number for number, source in enumerate(self._sources)}
        reported = sorted(
            self._diagnostics.values(), key=lambda each: (order.get(each.filename, -1), each.line, each.column)
        )
        known = frozenset((variable, value) for variable, _, value in self._verdicts)
        return NamesReport(tuple(reported), self._meanings, known, len(self._verdicts))

    async def _find_types(self) -> None:
        """Find the ticket types that the rules can set; None is none, and of unknown ones is told elsewhere."""
        for _, value in sorted(self._reached.pairs, key=repr):
            if is_unset(value):
                if self._alone:
                    self._types[value] = None
            elif value != UNTOLD and isinstance(entry := await self._names.find("ticketType", value), Entry):
                self._types[value] = entry

    def _beside(self, priority: Any) -> Sequence[Entry | None]:
        """Return the ticket types that tickets of a priority can have, as far as they are told."""
        pairs = self._reached.pairs
        beside = {other for one, other in pairs if one == priority} or {other for one, other in pairs if one == UNTOLD}
        return list({entry and entry.id: entry for value, entry in self._types.items() if value in beside}.values())

    async def _judge(self, variable: str, value: Any) -> Verdict:
        key = variable, type(value), value
        verdict = self._verdicts.get(key)
        if verdict is None:
            types = self._beside(value) if variable == "priority" else ()
            verdict = self._verdicts[key] = await self._names.judge(variable, value, types)
            if verdict.meaning is not None:
                self._meanings.setdefault(variable, {})[str(value)] = verdict.meaning
        return verdict

    def _where(self, place: Place) -> tuple[Source, Span]:
        if place.file == DEFAULTS:
            return self._defaults.place(list(self._defaults.values)[place.start])
        return self._sources[place.file], Span(place.start, place.end)

    def _tell(self, verdict: Verdict, found: Reaches | Compared) -> None:
        """Report a verdict on a text of the rules, with the edit that puts it right."""
        source, span = self._where(found.place)
        written = source.text[span.start : span.end]
        advice: Help | None = verdict.help
        if verdict.instead and isinstance(found.value, str):
            instead = _viewed(verdict.instead, found.views) if isinstance(found, Compared) else verdict.instead
            renamed = verdict.code == "renamed-in-halo"
            words = f"write `{instead}`" if renamed else verdict.help or ""
            if found.is_name and is_literal(written):
                advice = repair(words, literal(written, instead))
            elif renamed and is_literal(written):
                advice = f"{words}, by hand: the text here serves another purpose, too"
            elif renamed:
                advice = f"{words}, by hand: here it is put together"
        self._say(verdict, source, span, advice)

    def _say(self, verdict: Verdict, source: Source, span: Span, help: Help | None = None) -> None:  # noqa: A002 - the diagnostic's word
        if not verdict.code:
            return
        severity = CODES[verdict.code].severity
        found = diagnostic(source, verdict.code, verdict.message, span, help or verdict.help, severity=severity)
        self._diagnostics.setdefault((source.filename, span, verdict.code, verdict.message), found)


_VIEWS: Mapping[str, Callable[[str], str]] = {
    "strip": str.strip,
    "lower": str.lower,
    "upper": str.upper,
    "casefold": str.casefold,
    "title": str.title,
}


def _viewed(text: str, views: Sequence[str]) -> str:
    """Return a name as a comparison sees it."""
    for view in views:
        text = _VIEWS[view](text)
    return text
