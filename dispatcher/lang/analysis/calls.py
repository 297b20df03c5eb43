"""Calls that cannot work: wrong number or names of arguments, and values of which a function makes nothing."""

from __future__ import annotations

from types import NoneType

from dispatcher.lang import syntax
from dispatcher.lang.analysis import samples, signatures
from dispatcher.lang.analysis.facts import NUMBERS, Fact, Method, within, words
from dispatcher.lang.analysis.parameters import Signature
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.repairs import Help
from dispatcher.lang.values import Builtin, TypeValue


class Calls:
    """Checks calls of functions that are known."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._own: dict[int, Signature] = {}

    def check(self, call: syntax.Call, function: Fact, arguments: tuple[Fact, ...]) -> None:
        """Report a call that always fails."""
        meaning = function.meaning
        reason = self._misfit(meaning, call.arguments)
        if reason is not None:
            message, hint = reason
            how = signatures.shown(meaning)
            name = self._findings.quote(call.function, "the function")
            self._findings.add(
                "wrong-arguments", f"{name} {message}", call, hint or (f"it is called as `{how}`" if how else None)
            )
        elif not any(argument.kind or argument.name for argument in call.arguments):
            self._values(call, meaning, arguments)

    def _misfit(self, meaning: object, arguments: tuple[syntax.Argument, ...]) -> tuple[str, Help | None] | None:
        if isinstance(meaning, syntax.Function | syntax.Lambda):
            if id(meaning) not in self._own:
                self._own[id(meaning)] = signatures.of_parameters(meaning.parameters)
            return signatures.misfit([self._own[id(meaning)]], arguments)
        if isinstance(meaning, Method):
            # Whichever type the value has, the call has to fail.
            reasons = [
                signatures.misfit(signatures.of_meaning(Method(meaning.name, frozenset({owner}))), arguments)
                for owner in sorted(meaning.owners, key=lambda kind: kind.__name__)
            ]
            return reasons[0] if None not in reasons else None
        return signatures.misfit(signatures.of_meaning(meaning), arguments)

    def _values(self, call: syntax.Call, meaning: object, arguments: tuple[Fact, ...]) -> None:
        if isinstance(meaning, Method):
            if meaning.owners == {str} and not samples.text_method_takes(meaning.name, arguments):
                given = " and ".join(words(fact) for fact in arguments)
                self._findings.add("impossible-operation", f"`{meaning.name}` cannot work with {given}", call)
        elif isinstance(meaning, Builtin | TypeValue) and len(arguments) == 1:
            entry = FUNCTIONS.get(meaning.name)
            if entry is None or entry.value is not meaning or samples.callable_with(meaning.name, arguments[0]):
                return
            given = words(arguments[0])
            hint = None
            if meaning.name == "len" and within(arguments[0], NUMBERS):
                hint = "write `len(str(...))` for the number of its digits"
            elif arguments[0].only(NoneType):
                hint = "see that there is a value first"
            self._findings.add(
                "impossible-operation", f"`{meaning.name}` cannot work with {given}", call.arguments[0].value, hint
            )
