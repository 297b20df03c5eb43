"""Who binds and who reads each name: one pass over the tree, in which nothing is judged yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from dispatcher.lang import syntax
from dispatcher.lang.modules import MODULES
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.syntax import Expr, Node

Role = Literal[
    "assignment",
    "augmented",
    "unpacking",
    "loop",
    "import",
    "function",
    "parameter",
    "walrus",
    "handler",
    "deleted",
    "other",
    "shared",
]


@dataclass(frozen=True, slots=True)
class Site:
    """One place that binds a name."""

    node: Node
    role: Role


@dataclass(slots=True, eq=False)
class Scope:
    """The names of a file, function or comprehension: where each is bound, and which are read by anything."""

    kind: Literal["file", "function", "comprehension"]
    outer: Scope | None
    sites: dict[str, list[Site]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    # Names that it declares to be another scope's, and the offset of the last place that reads a name.
    declared: dict[str, Literal["global", "nonlocal"]] = field(default_factory=dict)
    last_read: dict[str, int] = field(default_factory=dict)
    _roles: dict[str, set[Role]] = field(default_factory=dict)
    _read: dict[str, int] = field(default_factory=dict)

    def roles(self, name: str) -> set[Role]:
        """Return in which ways the scope binds a name."""
        return self._roles.get(name, set())

    def add(self, name: str, node: Node, role: Role) -> None:
        """Note a place that binds a name."""
        self.sites.setdefault(name, []).append(Site(node, role))
        self._roles.setdefault(name, set()).add(role)

    def read(self, name: str, offset: int) -> None:
        """Note a place that reads a name."""
        self._read[name] = max(offset, self._read.get(name, 0))

    def reads(self) -> Iterable[tuple[str, int]]:
        """Yield each name that is read here, with the last place."""
        return self._read.items()


class Usage:
    """The scopes of a file by the nodes that make them."""

    def __init__(self, module: syntax.Module, aliases: dict[str, str]) -> None:
        self._aliases = aliases
        self.file = Scope("file", None)
        # What the tables have by the name of each import, by the identity of its node.
        self.imported: dict[int, Any] = {}
        self._scopes: dict[int, Scope] = {id(module): self.file}
        self._pending: list[tuple[Node, Scope]] = [(module, self.file)]
        while self._pending:
            self.visit(*self._pending.pop())
        self._resolve()

    def __iter__(self) -> Iterator[Scope]:
        return iter(self._scopes.values())

    def of(self, node: Node) -> Scope:
        """Return the scope of a function, lambda or comprehension."""
        return self._scopes[id(node)]

    def owner(self, scope: Scope | None, name: str) -> tuple[Scope | None, str]:
        """Return the scope whose variable `name` means in `scope`, and what that scope calls it; None for no scope."""
        while scope is not None and scope is not self.file:
            declared = scope.declared.get(name)
            if declared == "global":
                break
            if declared is None and name in scope.sites:
                return scope, name
            scope = scope.outer
        own = self._aliases.get(name, name)
        return (self.file if own in self.file.sites else None), own

    def _resolve(self) -> None:
        for scope in self:
            for name in scope.declared:
                sites = scope.sites.get(name, ())
                owner, own = self.owner(scope, name)
                target = owner or self.file
                for site in sites:
                    target.add(own, site.node, "shared")
        for scope in self:
            for name, offset in scope.reads():
                owner, own = self.owner(scope, name)
                target = owner or self.file
                target.used.add(own)
                # A function may run whenever it is called.
                place = offset if scope.kind != "function" else 1 << 62
                target.last_read[own] = max(place, target.last_read.get(own, 0))

    def _bind(self, scope: Scope, name: str, node: Node, role: Role) -> None:
        while role == "walrus" and scope.kind == "comprehension" and scope.outer is not None:
            scope = scope.outer
        scope.add(self._aliases.get(name, name) if scope is self.file else name, node, role)

    def _target(self, target: Expr, scope: Scope, role: Role) -> None:
        match target:
            case syntax.Name(id=name):
                self._bind(scope, name, target, role)
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                for item in items:
                    self._target(item, scope, "unpacking" if role == "assignment" else role)
            case syntax.Starred(value=value):
                self._target(value, scope, role)
            case _:
                self._pending.append((target, scope))

    def visit(self, node: Node, scope: Scope) -> None:  # noqa: C901 - one case for each kind of node that binds
        match node:
            case syntax.Name(id=name):
                scope.read(name, node.start)
            case syntax.Assignment(targets=targets, value=value):
                for target in targets:
                    self._target(target, scope, "assignment")
                self._pending.append((value, scope))
            case syntax.AugmentedAssignment(target=target, value=value):
                self._target(target, scope, "augmented")
                if not isinstance(value, syntax.Constant):
                    # What is added to in place may be known by another name too.
                    self._pending.append((target, scope))
                self._pending.append((value, scope))
            case syntax.Delete(targets=targets):
                for target in targets:
                    self._target(target, scope, "deleted")
                    # Deleting a name asks for its value, as reading it does.
                    self._pending.append((target, scope))
            case syntax.For(target=target, iterable=iterable, body=body, orelse=orelse):
                self._target(target, scope, "loop")
                self._pending += ((child, scope) for child in (iterable, *body, *orelse))
            case syntax.NamedExpression(target=target, value=value):
                self._bind(scope, target.id, target, "walrus")
                self._pending.append((value, scope))
            case syntax.Function(name=name, parameters=parameters, body=body):
                self._bind(scope, name.id, node, "function")
                self._inside(node, parameters, body, scope)
            case syntax.Lambda(parameters=parameters, body=body):
                self._inside(node, parameters, (body,), scope)
            case syntax.Comprehension():
                self._comprehension(node, scope)
            case syntax.Import(items=items) | syntax.FromImport(items=items):
                for item in items:
                    self._bind(scope, item.variable, item, "import")
                self.imported.update(zip(map(id, items), _meanings(node), strict=True))
            case syntax.Global(names=names) | syntax.Nonlocal(names=names):
                kind: Literal["global", "nonlocal"] = "global" if isinstance(node, syntax.Global) else "nonlocal"
                if scope is not self.file:
                    scope.declared.update((name.id, kind) for name in names)
            case syntax.Handler(kind=kind_, name=handled, body=body):
                if handled is not None:
                    self._bind(scope, handled.id, handled, "handler")
                self._pending += ((child, scope) for child in (kind_, *body) if child is not None)
            case syntax.CapturePattern(name=captured) | syntax.StarPattern(name=captured):
                if captured is not None:
                    self._bind(scope, captured.id, captured, "other")
            case syntax.AsPattern(pattern=pattern, name=named):
                self._bind(scope, named.id, named, "other")
                self._pending.append((pattern, scope))
            case syntax.MappingPattern(entries=entries, rest=rest):
                if rest is not None:
                    self._bind(scope, rest.id, rest, "other")
                self._pending += ((part, scope) for entry in entries for part in entry)
            case _:
                self._pending += ((child, scope) for child in syntax.children(node))

    def _inside(self, node: Node, parameters: syntax.Parameters, body: Iterable[Node], outer: Scope) -> None:
        inner = self._scopes[id(node)] = Scope("function", outer)
        for item in parameters.items:
            if item.default is not None:
                self._pending.append((item.default, outer))
            if item.name:
                inner.add(item.name, item, "parameter")
        self._pending += ((child, inner) for child in body)

    def _comprehension(self, node: syntax.Comprehension, outer: Scope) -> None:
        inner = self._scopes[id(node)] = Scope("comprehension", outer)
        first, *_ = node.clauses
        for clause in node.clauses:
            self._target(clause.target, inner, "loop")
            self._pending.append((clause.iterable, outer if clause is first else inner))
            self._pending += ((condition, inner) for condition in clause.conditions)
        self._pending.append((node.element, inner))
        if node.value is not None:
            self._pending.append((node.value, inner))


def _meanings(statement: syntax.Import | syntax.FromImport) -> list[Any]:
    if isinstance(statement, syntax.Import):
        return [MODULES.get(item.name) for item in statement.items]
    module = MODULES.get(statement.module)
    return [None if module is None else module.members.get(item.name) for item in statement.items]
