"""What is told of the word under the cursor."""

from __future__ import annotations

from dispatcher.lang import syntax
from dispatcher.lang.analysis.facts import NOTHING, Fact, of_table
from dispatcher.lang.analysis.place import fact_at
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import ENTRIES
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Node
from dispatcher.lsp import describe
from dispatcher.lsp.analysis import Analysis
from dispatcher.lsp.symbols import Binding

# Lines that are named of those that assign a variable.
MAX_LINES = 8


@dataclass(frozen=True, slots=True)
class Hover:
    """What is told, as Markdown, and of which piece of the file."""

    text: str
    place: Span


def hover(analysis: Analysis, offset: int) -> Hover | None:
    """Return what is told of the word at an offset, with what its diagnostics mean; None where there is nothing."""
    told = _word(analysis, offset)
    codes = dict.fromkeys(
        problem.code
        for problem in analysis.diagnostics
        if analysis.source.offset(problem.line, problem.column)
        <= offset
        <= analysis.source.offset(problem.end_line, problem.end_column)
    )
    texts = [told.text] if told is not None else []
    texts += [describe.diagnostic(code) for code in codes]
    if not texts:
        return None
    return Hover("\n\n---\n\n".join(texts), told.place if told is not None else Span(offset, offset))


def _word(analysis: Analysis, offset: int) -> Hover | None:
    node = _node_at(analysis.checked.module, offset)
    if isinstance(node, syntax.Attribute) and node.end - len(node.name) <= offset:
        return _attribute(analysis, node)
    found = analysis.symbols.name_at(offset)
    if found is None:
        return _unparsed(analysis, offset)
    name, place = found
    text = _name(analysis, name, place)
    return Hover(text, place) if text is not None else None


def _attribute(analysis: Analysis, node: syntax.Attribute) -> Hover | None:
    """Tell of what stands behind a dot."""
    owner = fact_at(analysis.checked, node.value.span)
    text = describe.member(owner, node.name) or describe.methods(node.name, owner.kinds or METHODS)
    return Hover(text, Span(node.end - len(node.name), node.end)) if text is not None else None


def _name(analysis: Analysis, name: str, place: Span) -> str | None:
    """Tell of a variable, function or module by its name."""
    bindings = analysis.symbols.bindings(place.start)
    fact = _fact(analysis, place, bindings)
    if all(binding.role == "import" for binding in bindings):
        # A function of the tables, or what an import binds.
        known = describe.meaning(fact) or _imported(bindings)
        if known is not None:
            return known
    variable = analysis.schema.find(name)
    assigned = _assigned(analysis, bindings)
    if variable is not None and all(binding.role != "parameter" for binding in bindings):
        return "\n\n".join(part for part in (describe.variable(variable, analysis.schema), assigned) if part)
    if not bindings:
        entry = FUNCTIONS.get(name)
        return describe.entry(entry) if entry is not None else None
    function = next((found.whole for found in bindings if isinstance(found.whole, syntax.Function)), None)
    if function is not None:
        return f"{describe.code(_heading(analysis, function))}\n\nFunction of this file.\n\n{assigned}"
    kind = "Parameter" if any(binding.role == "parameter" for binding in bindings) else "Variable of this file"
    held = describe.holds(fact)
    what = f"{kind}; here it holds {held}." if held is not None else f"{kind}."
    return f"{describe.code(name)}\n\n{what}\n\n{assigned}"


def _fact(analysis: Analysis, place: Span, bindings: list[Binding]) -> Fact:
    """Return what is certain of a name where it stands; where it is assigned, of what it gets."""
    binding = next((binding for binding in bindings if binding.place == place), None)
    if binding is not None and binding.role == "import":
        return of_table(analysis.symbols.imported.get(id(binding.whole)))
    if binding is not None:
        statement = _assignment(analysis.checked.module, place)
        return fact_at(analysis.checked, statement.value.span) if statement is not None else NOTHING
    return fact_at(analysis.checked, place)


def _assignment(module: syntax.Module, place: Span) -> syntax.Assignment | None:
    """Return the assignment of which a name is a whole target."""
    parent: Node = module
    while True:
        inner = _inner(parent, place.start)
        if inner is None or inner.span == place:
            break
        parent = inner
    return parent if isinstance(parent, syntax.Assignment) and parent.value.start > place.start else None


def _imported(bindings: list[Binding]) -> str | None:
    """Tell of a module by what imports it; a constant of one has no more to tell."""
    names = [binding.whole.name for binding in bindings if isinstance(binding.whole, syntax.ImportedName)]
    return describe.module(ENTRIES[names[0]]) if names and names[0] in ENTRIES else None


def _assigned(analysis: Analysis, bindings: list[Binding]) -> str:
    """Return which lines bind a name."""
    lines = sorted({analysis.source.position(binding.place.start)[0] for binding in bindings})
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:MAX_LINES])) + (", ..." if len(lines) > MAX_LINES else "")
    verb = "Defined" if any(binding.role in ("function", "parameter") for binding in bindings) else "Assigned"
    return f"{verb} in line{'s' if len(lines) > 1 else ''} {shown}."


def _heading(analysis: Analysis, function: syntax.Function) -> str:
    line, _ = analysis.source.position(function.start)
    return analysis.source.line(line).strip()


def _unparsed(analysis: Analysis, offset: int) -> Hover | None:
    """Tell of a word in a statement that does not parse, by its name alone."""
    index = analysis.tokens.at(offset + 1)
    token = analysis.tokens.items[index] if index >= 0 else None
    if token is None or token.type != "NAME" or not token.start <= offset <= token.end:
        return None
    place = Span(token.start, token.end)
    variable, entry = analysis.schema.find(token.text), FUNCTIONS.get(token.text)
    if index and analysis.tokens.items[index - 1].text == ".":
        text = describe.methods(token.text, METHODS)
    elif variable is not None:
        text = describe.variable(variable, analysis.schema)
    else:
        text = describe.entry(entry) if entry is not None else None
    return Hover(text, place) if text is not None else None


def _node_at(module: syntax.Module, offset: int) -> Node:
    """Return the innermost node at an offset."""
    parent: Node = module
    while (inner := _inner(parent, offset)) is not None:
        parent = inner
    return parent


def _inner(parent: Node, offset: int) -> Node | None:
    return next((child for child in syntax.children(parent) if child.start <= offset <= child.end), None)
