"""Names that are bound and never read: imports, working variables, and ticket variables that are misspelt."""

from __future__ import annotations

from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.analysis.usage import Scope, Site, Usage
from dispatcher.lang.repairs import repair
from dispatcher.lang.schema import Schema

# From this on, two names are so alike that one is taken for the other.
_ALIKE = 0.75
# Longer names are no misspelt ticket variables.
_LONGEST = 30


def check_unused(findings: Findings, usage: Usage, schema: Schema) -> None:
    """Report what is never read, in the file and in its functions."""
    unread = [
        (scope, name)
        for scope in usage
        for name in scope.sites
        if name not in scope.used and name not in scope.declared
    ]
    for scope, name in sorted(unread, key=lambda pair: pair[0].sites[pair[1]][0].node.start):
        if findings.full:
            return
        sites = scope.sites[name]
        if scope.roles(name) == {"import"} and schema.find(name) is None:
            for site in sites:
                findings.add("unused-import", f"`{name}` is imported and never used", site.node, "remove it")
        elif scope.roles(name) <= {"assignment", "augmented"} and name != "unused":
            _unread(findings, scope, name, sites[0], schema)


def _unread(findings: Findings, scope: Scope, name: str, site: Site, schema: Schema) -> None:
    variable = schema.find(name)
    if scope.kind == "function":
        if variable is not None:
            message = f"this sets a variable `{name}` of the function's own; the ticket keeps its value"
            findings.add(
                "local-ticket-variable", message, site.node, f"write `global {name}` at the top of the function"
            )
        else:
            findings.add("unused-variable", f"`{name}` is assigned and never used", site.node, "remove it")
    elif variable is None and name not in schema.foreign:
        meant = _meant(name, schema)
        if meant is not None:
            message = f"`{name}` is no ticket variable, and nothing reads it"
            findings.add("misspelt-variable", message, site.node, repair(f"did you mean `{meant}`?", meant))
        else:
            hint = "remove it, or use it; only ticket variables are filed"
            findings.add("unused-variable", f"`{name}` is assigned and never used", site.node, hint)


def _meant(name: str, schema: Schema) -> str | None:
    """Return the ticket variable that a name is a misspelling of, or None."""
    folded = name.casefold().replace("_", "")
    if len(folded) > _LONGEST:
        return None
    from difflib import SequenceMatcher  # most files have no such variable

    likeness = {
        known: SequenceMatcher(None, folded, known.casefold().replace("_", "")).ratio()
        for known in (*(variable.name for variable in schema.variables if variable.writable), *schema.aliases)
    }
    best = max(likeness, key=likeness.__getitem__)
    return best if likeness[best] >= _ALIKE else None
