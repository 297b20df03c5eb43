"""Experiments: the same rules without a statement, or with conditions taken to hold. What they show is true."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import TypeAlias, get_args

from dispatcher.errors import RulesError
from dispatcher.lang import syntax
from dispatcher.lang.evaluator import LoggedWrite
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source, Span
from dispatcher.ruleset import RuleSet

# A statement: the number of its program, and where it stands in the file.
Place: TypeAlias = tuple[int, Span]

# Rule sets without some statements that are kept: many tickets ask for the same.
AT_HAND = 64

_STATEMENTS = get_args(syntax.Stmt)


class Experiments:
    """The rules of one rule set without some of their statements; keeps those that were asked for last."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        self._fewer: OrderedDict[frozenset[Place], RuleSet | None] = OrderedDict()
        self._found: dict[tuple[int, int, int], tuple[Span, frozenset[str]]] = {}

    def statement(self, write: LoggedWrite) -> Place:
        """Return the program and the span of the innermost statement that made a write."""
        return write.program, self._writer(write)[0]

    def reads(self, write: LoggedWrite) -> bool:
        """Tell whether the statement that made a write reads the variable itself."""
        return write.write.variable in self._writer(write)[1]

    def _writer(self, write: LoggedWrite) -> tuple[Span, frozenset[str]]:
        key = (write.program, write.write.line, write.write.column)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = _statement(self.ruleset, *key)
        return found

    def without(self, statements: Iterable[Place]) -> RuleSet | None:
        """Return the rules without some statements; all else stays where it is. None where the rest is no rule set."""
        key = frozenset(statements)
        if key in self._fewer:
            self._fewer.move_to_end(key)
            return self._fewer[key]
        fewer = self._fewer[key] = _without(self.ruleset, key)
        if len(self._fewer) > AT_HAND:
            self._fewer.popitem(last=False)
        return fewer


def _statement(ruleset: RuleSet, program: int, line: int, column: int) -> tuple[Span, frozenset[str]]:
    """Return where the innermost statement at a place stands, and the variables that it reads."""
    found = ruleset.programs[program]
    number = found.statement_at(line, column)
    start = found.starts[number]
    end = found.starts[number + 1] if number + 1 < len(found.starts) else len(found.source.text)
    module, _ = parse(Source(found.source.text[start:end], found.filename))
    wanted = found.source.offset(line, column) - start
    innermost: syntax.Node = module
    span = Span(start, start + len(found.source.text[start:end].rstrip()))
    pending: list[syntax.Node] = [*module.body]
    while pending:
        node = pending.pop()
        if node.start <= wanted < node.end:
            if isinstance(node, _STATEMENTS):
                innermost, span = node, Span(start + node.start, start + node.end)
            pending = list(syntax.children(node))
    aliases = ruleset.schema.aliases
    return span, frozenset(aliases.get(name, name) for name in _names_read(innermost))


def _names_read(statement: syntax.Node) -> Iterator[str]:
    pending = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, syntax.Name):
            yield node.id
        bound = node.targets if isinstance(node, syntax.Assignment) else ()
        pending += [
            child for child in syntax.children(node) if not isinstance(child, syntax.Name) or child not in bound
        ]


def _without(ruleset: RuleSet, statements: Iterable[Place]) -> RuleSet | None:
    texts = {number: program.source.text for number, program in enumerate(ruleset.programs)}
    for number, span in statements:
        text = texts[number]
        texts[number] = text[: span.start] + _nothing(text[span.start : span.end]) + text[span.end :]
    sources = [Source(texts[number], program.filename) for number, program in enumerate(ruleset.programs)]
    try:
        return ruleset.with_sources(sources)
    except RulesError:
        return None


def _nothing(text: str) -> str:
    """Return a statement that does nothing, as long as a text and with the same line ends."""
    return "(" + "".join("\n" if character == "\n" else " " for character in text[1:-1]) + ")"
