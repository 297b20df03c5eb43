"""A statement -> the places at which it goes one way or another, and what decides there. Data for tracing.

A Branch is a condition with what runs where it holds and what runs where it does not; a `case` and an `except` are
branches that are entered or not, and so are the bodies of `for` loops and functions. A condition is a tree of Parts,
joined by `and`, `or` and `not`; the leaves are comparisons, calls and names, with the values that they look at. All are
known by sites: numbers of expressions, and of the statements inside the statement, of which its traced form tells when
it comes by (compiler.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias, get_args

from dispatcher.lang import syntax
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.scopes import name_of, target_names
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr, Node, Stmt

BranchKind: TypeAlias = Literal[
    "if", "elif", "while", "conditional", "filter", "guard", "assert", "case", "except", "for", "def"
]
PartKind: TypeAlias = Literal["and", "or", "not", "plain"]
_STATEMENTS = get_args(Stmt)
# Kinds of which it is only known whether they were entered.
ENTERED: frozenset[BranchKind] = frozenset({"case", "except", "for", "def"})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a condition: `parts` are joined by `and` or `or`, or negated; a plain one has the sites of values."""

    kind: PartKind
    site: int
    span: Span
    # The operator of a comparison that has one, or the method of a call, such as `.startswith`.
    op: str = ""
    parts: tuple[Part, ...] = ()
    values: tuple[int, ...] = ()
    # What a comparison compares, or what a method is called on and with: sites, and spans of what is written out.
    operands: tuple[int | Span, ...] = ()

    def leaves(self) -> Iterator[Part]:
        """Yield the plain parts, in order."""
        if self.kind == "plain":
            yield self
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True, slots=True)
class Branch:
    """A place where a statement goes one way or another; spans are offsets of the statement's source."""

    kind: BranchKind
    # Where it stands, its condition, or what a `case` or a `for` looks at, and the site that tells whether it holds or,
    # for kinds that are ENTERED, that it was.
    span: Span
    condition: Part | None
    site: int
    # What runs where it holds, and where it does not; None where that is nothing of its own.
    body: Span
    otherwise: Span | None = None
    # How many branches right before it are looked at first, and skip this one where they hold.
    rank: int = 0


@dataclass(slots=True)
class Branches:
    """The branches of a statement in the order in which they stand, and where its sites are."""

    branches: list[Branch] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    # The sites of expressions, and of the statements inside, by the identity of the nodes of the tree.
    expressions: dict[int, int] = field(default_factory=dict)
    statements: dict[int, int] = field(default_factory=dict)

    def site(self, node: Node) -> int:
        """Return the number of an expression's value."""
        number = self.expressions.get(id(node))
        if number is None:
            number = self.expressions[id(node)] = len(self.spans)
            self.spans.append(node.span)
        return number

    def inside(self) -> Iterator[tuple[Span, int]]:
        """Yield where each statement inside stands, and its site."""
        for site in self.statements.values():
            yield self.spans[site], site

    def statement(self, node: Stmt) -> None:
        """Give a statement inside a number."""
        self.statements[id(node)] = len(self.spans)
        self.spans.append(node.span)


def branches_of(statement: Stmt) -> Branches:  # noqa: C901 - one case for each kind of node
    """Return the branches of a top-level statement, those of functions in it among them."""
    found = Branches()
    for node in _in_order(statement):
        if isinstance(node, _STATEMENTS) and node is not statement:
            found.statement(node)
    for node in _in_order(statement):
        match node:
            case syntax.If(branches=chain, orelse=orelse):
                for rank, branch in enumerate(chain):
                    # What follows where the condition fails: the next `elif`, or what stands behind `else`.
                    is_last = rank == len(chain) - 1
                    rest = (_span(orelse) if orelse else None) if is_last else Span(chain[rank + 1].start, node.end)
                    kind: BranchKind = "elif" if rank else "if"
                    _add(found, kind, branch.condition, _span(branch.body), rest, rank)
            case syntax.While(condition=condition, body=body, orelse=orelse):
                _add(found, "while", condition, _span(body), _span(orelse) if orelse else None)
            case syntax.Conditional(condition=condition, value=value, other=other):
                _add(found, "conditional", condition, value.span, other.span)
            case syntax.Comprehension(element=element, clauses=clauses):
                for clause in clauses:
                    for condition in clause.conditions:
                        _add(found, "filter", condition, element.span)
            case syntax.Assert(condition=condition):
                _add(found, "assert", condition, node.span)
            case syntax.Function(name=name, body=body):
                _enter(found, "def", Span(node.start, name.end), body)
            case syntax.For(iterable=iterable, body=body):
                _enter(found, "for", Span(node.start, iterable.end), body, looks_at=iterable)
            case syntax.Match(subject=subject, cases=cases):
                for rank, case in enumerate(cases):
                    head = Span(case.start, (case.guard or case.pattern).end)
                    _enter(found, "case", head, case.body, rank, looks_at=subject)
                    if case.guard is not None:
                        _add(found, "guard", case.guard, _span(case.body))
            case syntax.Try(handlers=handlers):
                for rank, handler in enumerate(handlers):
                    last = handler.name or handler.kind
                    end = last.end if last is not None else handler.start + len("except")
                    _enter(found, "except", Span(handler.start, end), handler.body, rank)
            case _:
                pass
    found.branches.sort(key=lambda branch: branch.span)
    return found


def _in_order(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(syntax.children(node)))


def _span(body: tuple[Stmt, ...]) -> Span:
    return Span(body[0].start, body[-1].end)


def _add(
    found: Branches, kind: BranchKind, condition: Expr, body: Span, otherwise: Span | None = None, rank: int = 0
) -> None:
    part = _part(found, condition)
    found.branches.append(Branch(kind, condition.span, part, part.site, body, otherwise, rank))


def _enter(
    found: Branches,
    kind: BranchKind,
    head: Span,
    body: tuple[Stmt, ...],
    rank: int = 0,
    looks_at: Expr | None = None,
) -> None:
    part = None
    if looks_at is not None:
        site = found.site(looks_at)
        part = Part("plain", site, looks_at.span, values=() if _is_known(looks_at) else (site,))
    entry = found.statements[id(body[0])]
    found.branches.append(Branch(kind, head, part, entry, _span(body), None, rank))


def _part(found: Branches, expr: Expr) -> Part:
    match expr:
        case syntax.BooleanOperation(op=joined, operands=operands):
            parts = tuple([_part(found, operand) for operand in operands])
            return Part(joined, found.site(expr), expr.span, joined, parts)
        case syntax.UnaryOperation(op="not", operand=operand):
            return Part("not", found.site(expr), expr.span, "not", (_part(found, operand),))
        case syntax.Comparison(first=first, rest=rest):
            operands = (first, *(operand for _, operand in rest))
            op = rest[0][0] if len(rest) == 1 else ""
            values = tuple([found.site(operand) for operand in operands if not _is_known(operand)])
            return Part("plain", found.site(expr), expr.span, op, (), values, _operands(found, operands))
        case syntax.Call(function=function, arguments=arguments):
            looked_at = [argument.value for argument in arguments]
            op = ""
            if isinstance(function, syntax.Attribute):
                looked_at.insert(0, function.value)
                op = f".{function.name}"
            site = found.site(expr)
            values = tuple([found.site(value) for value in _seen_in(looked_at)]) or (site,)
            return Part("plain", site, expr.span, op, (), values, _operands(found, looked_at))
        case _:
            site = found.site(expr)
            return Part("plain", site, expr.span, values=() if _is_known(expr) else (site,))


def _operands(found: Branches, exprs: Iterable[Expr]) -> tuple[int | Span, ...]:
    return tuple([found.expressions.get(id(expr), expr.span) for expr in exprs])


def _seen_in(exprs: Iterable[Expr]) -> Iterator[Expr]:
    """Yield what a call looks at: its arguments; of a comprehension what it goes through, and outer names it uses."""
    for expr in exprs:
        if isinstance(expr, syntax.Comprehension):
            yield from _seen_in([clause.iterable for clause in expr.clauses])
            own = {name_of(name) for clause in expr.clauses for name in target_names([clause.target])}
            inside = (node for node in _in_order(expr.element) if isinstance(node, syntax.Name))
            yield from (name for name in inside if name.id not in own and name.id not in FUNCTIONS)
        elif not _is_known(expr) and not isinstance(expr, syntax.Lambda | syntax.Starred):
            yield expr


def _is_known(expr: Expr) -> bool:
    """Tell whether the text of an expression is its value: literals, and displays of nothing else."""
    match expr:
        case syntax.Constant():
            return True
        case syntax.UnaryOperation(op="-" | "+", operand=operand):
            return _is_known(operand)
        case syntax.ListDisplay(items=items) | syntax.TupleDisplay(items=items) | syntax.SetDisplay(items=items):
            return all(map(_is_known, items))
        case syntax.DictDisplay(entries=entries):
            return all(key is not None and _is_known(key) and _is_known(value) for key, value in entries)
        case _:
            return False
