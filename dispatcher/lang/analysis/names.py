"""Names where they are read: what is certain of their value, and whether they have one by then."""

from __future__ import annotations

from types import FunctionType

from dispatcher.lang import syntax
from dispatcher.lang.analysis.facts import NOTHING, Fact, of_table, of_type
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.analysis.state import SET, UNSET, Known, State
from dispatcher.lang.analysis.usage import Scope, Usage
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.schema import Schema, Variable


class Names:
    """The variables at the present place of the walk."""

    def __init__(self, findings: Findings, usage: Usage, schema: Schema) -> None:
        self._findings = findings
        self._usage = usage
        self._schema = schema
        self._variables = {name: variable for name in schema.names() if (variable := schema.find(name)) is not None}
        self.scope = usage.file
        self.state = State()
        for variable in schema.variables:
            self.state.set(variable.name, Known("set", _first(variable)))
        # Functions met so far, to be walked in a state of their own.
        self.met: list[syntax.Function | syntax.Lambda] = []

    def begin(self, function: syntax.Function | syntax.Lambda) -> None:
        """Go into a function, with nothing known but its parameters."""
        self.scope = self._usage.of(function)
        self.state = State()
        for name, sites in self.scope.sites.items():
            if any(site.role == "parameter" for site in sites):
                self.state.set(name, SET)

    def later(self, function: syntax.Function | syntax.Lambda) -> None:
        """Put a function off until the scope around it is done."""
        self.met.append(function)

    def inside(self, comprehension: syntax.Comprehension) -> None:
        """Go into a comprehension, which runs in the present state."""
        self.scope = self._usage.of(comprehension)

    def outside(self) -> None:
        """Leave a comprehension."""
        self.scope = self.scope.outer or self._usage.file

    @property
    def _walked(self) -> Scope:
        """The file or function that is walked, whatever comprehension of it."""
        scope = self.scope
        while scope.kind == "comprehension" and scope.outer is not None:
            scope = scope.outer
        return scope

    @property
    def in_file(self) -> bool:
        """Tell whether the present place is outside all functions."""
        return self._walked is self._usage.file

    def variable(self, name: str) -> Variable | None:
        """Return the ticket variable that a name of the file is, or None."""
        return self._variables.get(name)

    def bind(self, name: str, fact: Fact) -> None:
        """Give a variable of the present scope a value."""
        owner, own = self._usage.owner(self._walked, name)
        if owner is self._walked:
            self.state.set(own, Known("set", fact if self._is_followed(owner, own) else NOTHING))

    def unbind(self, name: str) -> None:
        """Take a variable of the present scope its value."""
        owner, own = self._usage.owner(self._walked, name)
        if owner is self._walked:
            self.state.set(own, Known("unset"))

    def key(self, name: str) -> str | None:
        """Return the name by which the state has a variable; None for those that are not followed."""
        owner, own = self._usage.owner(self._walked, name)
        return own if owner is self._walked and self._is_followed(owner, own) else None

    def known_fact(self, name: str) -> Fact:
        """Return what is certain of a variable's value, and report nothing."""
        key = self.key(name)
        known = self.state.get(key) if key is not None and self.scope is self._walked else None
        return known.fact if known is not None and known.standing == "set" else NOTHING

    def read(self, name: syntax.Name) -> Fact:
        """Return what is certain of a variable's value, and report where it has none."""
        owner, own = self._usage.owner(self.scope, name.id)
        if owner is None:
            return self._from_outside(name.id)
        if owner is not self._walked:
            return NOTHING if owner.kind == "comprehension" else self._fixed(owner, own)
        if not self._is_followed(owner, own):
            return NOTHING
        known = self.state.get(own) or UNSET
        if known.standing == "set":
            return known.fact
        if owner is self._usage.file and own in FUNCTIONS:
            # Without a value of its own, the name means the function.
            return self._from_outside(own) if known is UNSET else NOTHING
        if known.standing == "unset":
            self._unset(name, own, owner)
        elif self.state.surely_here(known):
            hint = f"assign it above on every way, such as `{name.id} = None`"
            if not owner.roles(own).isdisjoint({"function", "import"}):
                hint = "move the `def` or `import` to the top of the file"
            self._findings.add(
                "possibly-unset-variable",
                f"`{name.id}` may have no value here: not every way to this line assigns it",
                name,
                hint,
            )
            self.state.set(own, SET)
        return NOTHING

    def _unset(self, name: syntax.Name, own: str, owner: Scope) -> None:
        hint = "assign it above this line"
        # A look at all sites for each report takes quadratic time; what is not reported needs no hint.
        sites = () if self._findings.full else owner.sites[own]
        above = {site.role for site in sites if site.node.start < name.start}
        if "handler" in above:
            hint = "the name behind `as` is gone after its `except`; assign another one there"
        elif "deleted" in above:
            hint = "it is deleted above"
        elif owner is not self._usage.file and own in self._variables:
            hint = f"since the function assigns `{own}`, it has one of its own; write `global {own}` at its top"
        self._findings.add("unset-variable", f"`{name.id}` has no value when this line runs", name, hint)
        self.state.set(own, SET)

    def _from_outside(self, name: str) -> Fact:
        """Return what is certain of a ticket variable that the file does not assign, or of a table's function."""
        variable = self._variables.get(name)
        if variable is not None:
            return _first(variable)
        entry = FUNCTIONS.get(name)
        return NOTHING if entry is None else of_table(entry.value)

    def _fixed(self, owner: Scope, name: str) -> Fact:
        """Return what is certain of another scope's variable: that of a function or an import, bound once."""
        sites = owner.sites[name]
        if len(sites) > 1:
            return NOTHING
        node = sites[0].node
        return (
            Fact(frozenset({FunctionType}), meaning=node) if isinstance(node, syntax.Function) else self.imported(node)
        )

    def imported(self, item: syntax.Node) -> Fact:
        """Return what an import binds; nothing is certain of other nodes."""
        value = self._usage.imported.get(id(item))
        return NOTHING if value is None else of_table(value)

    def _is_followed(self, owner: Scope, name: str) -> bool:
        """Tell whether all that binds a variable is seen where it stands."""
        return owner.roles(name).isdisjoint({"walrus", "shared"})


def _first(variable: Variable) -> Fact:
    """Return what is certain of a ticket variable before the file changes it.

    Files before this one may have made something else of `msg` or `customfield`; that is taken for the rare case.
    """
    if variable.kind == "text":
        return of_type(str)
    return of_type(dict) if variable.kind == "mapping" else NOTHING
