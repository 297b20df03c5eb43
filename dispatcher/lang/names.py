"""Names in rules: what each means where it stands, and what is said of those that mean nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dispatcher.lang import syntax
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic, diagnostic, near_repair
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import MODULES
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.repairs import Help, Repair, repair
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Span
from dispatcher.lang.values import ModuleValue, TypeValue

if TYPE_CHECKING:
    from dispatcher.lang.source import Source
    from dispatcher.lang.syntax import Expr

# Functions that Python has and rules do not, with what to write instead.
INSTEAD = {
    **dict.fromkeys(("open", "help", "breakpoint"), "rules read and write no files, and have no console"),
    "input": "rules ask nobody; read the ticket's variables",
    **dict.fromkeys(("exec", "eval", "compile", "__import__"), "rules run no other code"),
    **dict.fromkeys(("getattr", "hasattr", "dir", "vars"), "write the name behind a dot"),
    **dict.fromkeys(("setattr", "delattr"), "values in rules have no attributes to set"),
    **dict.fromkeys(("globals", "locals"), "write the variable's name"),
    **dict.fromkeys(("bytes", "bytearray", "memoryview"), "use text"),
    "complex": "rules have no complex numbers",
    **dict.fromkeys(("object", "super", "property", "classmethod", "staticmethod"), "rules have no classes"),
    **dict.fromkeys(("hash", "id"), "what it gives differs from run to run; compare the values themselves"),
    **dict.fromkeys(("exit", "quit"), "set `exception = '...'` to refuse the ticket, or use `if` to skip what follows"),
    **dict.fromkeys(("aiter", "anext"), "rules have no `async`"),
}

# Methods that Python has and rules do not, and what other languages call methods that it has.
_INSTEAD_OF_METHODS: dict[str, Help] = {
    **dict.fromkeys(("encode", "decode", "to_bytes", "from_bytes", "hex"), "rules have no bytes; work with the text"),
    **dict.fromkeys(("with_traceback", "add_note"), "raise another exception with the text that you want"),
    **dict.fromkeys(("timetuple", "utctimetuple"), "read the fields, such as `.year` and `.hour`"),
    **dict.fromkeys(("contains", "Contains", "includes", "has", "has_key"), "write `'text' in value`"),
    **dict.fromkeys(("indexOf", "IndexOf"), "write `'text' in value`, or `.find('text')` for the place"),
    **dict.fromkeys(("toLowerCase", "toLower", "ToLower"), repair("write `.lower()`", "lower")),
    **dict.fromkeys(("toUpperCase", "toUpper", "ToUpper"), repair("write `.upper()`", "upper")),
    **dict.fromkeys(("trim", "Trim"), repair("write `.strip()`", "strip")),
    **dict.fromkeys(("length", "Length", "size"), "write `len(value)`"),
    **dict.fromkeys(("substring", "Substring", "substr"), "write `value[start:end]`"),
    **dict.fromkeys(("equals", "Equals"), "write `==`"),
    **dict.fromkeys(("isEmpty", "empty"), "write `not value`"),
    **dict.fromkeys(("matches", "test"), "write `re.search(pattern, text)`"),
    "push": repair("write `.append(value)`", "append"),
}


# How other languages call Python's constants.
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "nil": "None", "none": "None", "undefined": "None"}

# What stands behind a dot.
_BEHIND_DOT = re.compile(r"\.(\w+)")
# What other products put before a ticket's variables.
_OBJECTS = dict.fromkeys(("self", "this", "ticket"), "write the variable alone, such as `priority`")


def _type_values() -> Iterator[TypeValue]:
    values = [entry.value for entry in FUNCTIONS.values()]
    values += [value for module in MODULES.values() for value in module.members.values()]
    return (value for value in values if isinstance(value, TypeValue))


_METHODS = frozenset(name for table in METHODS.values() for name in table)
# Every name that can stand behind a dot.
_ALL_MEMBERS = frozenset(
    _METHODS
    | {name for module in MODULES.values() for name in module.members}
    | {name for value in _type_values() for name in value.members}
)


@dataclass(slots=True)
class Scope:
    """The names of a file, a function or a comprehension around the current place."""

    names: frozenset[str]
    is_function: bool = False
    parameters: frozenset[str] = frozenset()
    # What `global` and `nonlocal` have declared so far, each with the word.
    declared: dict[str, str] = field(default_factory=dict)
    # What was read or bound so far, for the declarations that come too late.
    used: set[str] = field(default_factory=set)


def is_private(name: str) -> bool:
    """Tell whether rules cannot use a name: all that begin with an underscore, but for `_` alone."""
    return name.startswith("_") and name != "_"


class NameChecker:
    """Reports what names mean nothing; what checks statements and expressions builds on it."""

    def __init__(
        self,
        source: Source,
        schema: Schema,
        variables: frozenset[str],
        imports: dict[str, ModuleValue | TypeValue],
    ) -> None:
        self.found: list[Diagnostic] = []
        self._counts = Counter[str]()
        self._source = source
        self._schema = schema
        self._imports = imports
        # What the dotted names in patterns mean, by the offset at which they stand.
        self.constants: dict[int, int | float | str] = {}
        # The file, then each function and comprehension around the current place.
        self._scopes = [Scope(variables)]
        # What is imported from modules that rules do not have.
        self._strangers: set[str] = set()

    def _report(self, code: str, message: str, span: Span, help: Help | None = None) -> None:  # noqa: A002 - the diagnostic's word
        found = diagnostic(self._source, code, message, span, help)
        if self._counts[found.severity] < MAX_DIAGNOSTICS:
            self._counts[found.severity] += 1
            self.found.append(found)

    def _near(self, name: str, *sets: Iterable[str], span: Span | None = None) -> Repair | None:
        """Return "did you mean ..." from the first of `sets` that has a near name; no more than can be reported.

        The name stands at `span`, or where the diagnostic is.
        """
        # Looking takes its time.
        if self._counts["error"] >= MAX_DIAGNOSTICS:
            return None
        return next((found for known in sets if (found := near_repair(name, known, span)) is not None), None)

    def _read(self, name: syntax.Name, *, called: bool) -> None:
        self._scopes[-1].used.add(name.id)
        if self._is_known(name.id):
            return
        if self._counts["error"] >= MAX_DIAGNOSTICS:
            # Looking for near names takes its time, and no more are reported.
            return
        if is_private(name.id):
            self._private(name.id, name.span)
            return
        if name.id in MODULES:
            self._report(
                "unknown-name",
                f"the module `{name.id}` is not imported",
                name.span,
                repair(f"write `import {name.id}` above", f"import {name.id}\n", Span(0, 0)),
            )
            return
        if name.id in _OBJECTS and not called:
            self._report("unknown-name", f"nothing is called `{name.id}`", name.span, self._alone(name))
            return
        constant = _CONSTANTS.get(name.id.lower())
        if constant is not None and not called:
            help_text: Help | None = repair(f"write `{constant}`", constant)
            self._report("unknown-name", f"nothing is called `{name.id}`", name.span, help_text)
            return
        own = {known for scope in self._scopes for known in scope.names}
        variables = {*own, *self._schema.names()}
        help_text = INSTEAD.get(name.id) or self._near(name.id, variables, FUNCTIONS)
        if called or name.id in INSTEAD:
            self._report("unknown-function", f"rules have no function `{name.id}`", name.span, help_text)
        else:
            self._report(
                "unknown-name",
                f"nothing is called `{name.id}`",
                name.span,
                help_text or "assign it first, or put quotes around it if it is text",
            )

    def _alone(self, owner: syntax.Name) -> Help:
        """Return how to write a ticket variable that stands behind what other products put before it."""
        words = _OBJECTS[owner.id]
        behind = _BEHIND_DOT.match(self._source.text, owner.end)
        if behind is None or self._schema.find(behind[1]) is None:
            return words
        return repair(words, "", Span(owner.start, behind.start(1)))

    def _member(self, expr: syntax.Attribute, value: Expr, name: str) -> None:
        span = Span(expr.end - len(name), expr.end)
        if name.startswith("_"):
            self._private(name, span)
            return
        if self._is_reported(value):
            return
        owner = self._meaning(value)
        if owner is not None:
            if name not in _member_names(owner):
                self._unknown_member(owner, name, span, behind=Span(value.end, expr.end))
        elif name not in _ALL_MEMBERS:
            self._report(
                "unknown-method",
                f"no value in rules has `.{name}`",
                span,
                _INSTEAD_OF_METHODS.get(name) or self._near(name, _METHODS, _ALL_MEMBERS),
            )

    def _is_reported(self, expr: Expr) -> bool:
        """Tell whether `expr` comes from a name that means nothing, which is reported itself."""
        while isinstance(expr, syntax.Attribute | syntax.Call | syntax.Subscript):
            expr = expr.function if isinstance(expr, syntax.Call) else expr.value
        if not isinstance(expr, syntax.Name):
            return False
        return expr.id in self._strangers or not self._is_known(expr.id)

    def _is_known(self, name: str) -> bool:
        known = any(name in scope.names for scope in self._scopes)
        return known or self._schema.find(name) is not None or name in FUNCTIONS

    def _meaning(self, expr: Expr) -> ModuleValue | TypeValue | None:
        """Return the module or type that `expr` surely means, or None."""
        match expr:
            case syntax.Name(id=name):
                if any(name in scope.names for scope in self._scopes[1:]):
                    return None
                if name in self._imports:
                    return self._imports[name]
                entry = FUNCTIONS.get(name)
                known = entry is not None and name not in self._scopes[0].names and self._schema.find(name) is None
                return entry.value if entry and known and isinstance(entry.value, TypeValue) else None
            case syntax.Attribute(value=value, name=name):
                owner = self._meaning(value)
                found = owner.members.get(name) if owner is not None else None
                return found if isinstance(found, ModuleValue | TypeValue) else None
            case _:
                return None

    def _module_constant(self, value: syntax.Attribute) -> int | float | str | None:
        """Return the number or text of a module that a dotted name surely means, or None."""
        owner = self._meaning(value.value)
        found = owner.members.get(value.name) if owner is not None else None
        return found if isinstance(found, int | float | str) else None

    def _private(self, name: str, span: Span) -> None:
        self._report(
            "private-name",
            f"`{name}` begins with an underscore: rules cannot use such names",
            span,
            "choose a name without it" if name.strip("_") else "choose a name, such as `unused`",
        )

    def _unknown_module(self, name: str, span: Span, place: Span | None = None) -> None:
        """Report a module that rules cannot import; its name stands at `place` of the span."""
        known = ", ".join(f"`{module}`" for module in sorted(MODULES))
        self._report(
            "unknown-module",
            f"rules cannot import `{name}`",
            span,
            self._near(name, MODULES, span=place) or f"rules can import {known}",
        )

    def _unknown_member(
        self, owner: ModuleValue | TypeValue, name: str, span: Span, behind: Span | None = None
    ) -> None:
        """Report a name that a module or type does not have; `behind` is all that stands behind the owner's name."""
        known = _member_names(owner)
        what = "module" if isinstance(owner, ModuleValue) else "type"
        self._report(
            "unknown-module-member",
            f"the {what} `{owner.name}` has no `{name}` that rules may use",
            span,
            _elsewhere(owner, name, behind)
            or self._near(name, known, span=Span(span.start, span.start + len(name)))
            or "it has " + ", ".join(f"`{member}`" for member in sorted(known)[:12]),
        )


def _elsewhere(owner: ModuleValue | TypeValue, name: str, behind: Span | None) -> Help | None:
    """Return where a member is that was looked for in the module of its type, or in its type instead of the module."""
    if isinstance(owner, TypeValue):
        if name == owner.name:
            words = f"leave out `.{name}`: what stands before it is this type already"
            return repair(words, "", behind) if behind is not None else words
        is_there = owner.module in MODULES and name in MODULES[owner.module].members
        return f"`{name}` belongs to the module `{owner.module}`" if is_there else None
    kinds = [value for value in owner.members.values() if isinstance(value, TypeValue) and name in value.members]
    # Several types have `today`; that with the name of the module is meant most.
    kinds.sort(key=lambda kind: kind.name != owner.name)
    if not kinds:
        return None
    words = f"`{name}` belongs to the type `{kinds[0].full_name}`"
    return repair(words, f".{kinds[0].name}.{name}", behind) if behind is not None else words


def _member_names(owner: ModuleValue | TypeValue) -> set[str]:
    names = set(owner.members)
    if isinstance(owner, TypeValue):
        names.update(METHODS.get(owner.python_type, {}))
    return names
