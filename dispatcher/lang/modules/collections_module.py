"""`collections`: its types; collected.py has their values, methods/collected.py what makes them and their methods."""

from __future__ import annotations

from dispatcher.lang.collected import Counter, OrderedDict, defaultdict, deque
from dispatcher.lang.entries import ITEMS, FunctionEntry
from dispatcher.lang.methods.collected import (
    counter_from_keys,
    defaultdict_from_keys,
    new_counter,
    new_defaultdict,
    new_deque,
    new_ordered,
    ordered_from_keys,
)
from dispatcher.lang.modules.entry import ModuleEntry, function, with_members
from dispatcher.lang.values import Implementation, TypeValue


def _type(signature: str, doc: str, kind: type, implementation: Implementation) -> FunctionEntry:
    value = TypeValue(kind.__name__, kind, implementation, module="collections")
    return FunctionEntry(kind.__name__, signature, ITEMS, doc, value)


COLLECTIONS = ModuleEntry(
    "collections",
    "more kinds of collections",
    (
        *with_members(
            _type("Counter(iterable=None, /, **named)", "a dict that counts; missing keys are 0", Counter, new_counter),
            function("fromkeys", "fromkeys(iterable)", ITEMS, "NotImplementedError, as in Python", counter_from_keys),
        ),
        *with_members(
            _type("OrderedDict(pairs=(), /, **named)", "a dict that compares its order", OrderedDict, new_ordered),
            function(
                "fromkeys", "fromkeys(iterable, value=None)", ITEMS, "a new one with these keys", ordered_from_keys
            ),
        ),
        *with_members(
            _type(
                "defaultdict(default_factory=None, /, pairs=(), **named)",
                "a dict that makes the values of missing keys",
                defaultdict,
                new_defaultdict,
            ),
            function(
                "fromkeys",
                "fromkeys(iterable, value=None, /)",
                ITEMS,
                "a new one with these keys",
                defaultdict_from_keys,
            ),
        ),
        _type("deque(iterable=(), maxlen=None)", "a list that grows and shrinks at both ends", deque, new_deque),
    ),
)
