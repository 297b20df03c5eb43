"""The functions and types that rules can call, in one table: name, signature, cost, documentation, implementation.

The checker knows names from it, the compiler takes implementations from it, and documentation is made of it. An
implementation gets the meter and then the rule's arguments, and asks the meter before it works.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.lang import kinds, numbers, sequences
from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, ITEMS, LENGTH, RESULT, FunctionEntry
from dispatcher.lang.exceptions import EXCEPTIONS
from dispatcher.lang.formatting import ascii_text, format_value, plain_repr, text_of
from dispatcher.lang.values import Builtin, Implementation, TypeValue, type_name

_MISSING: Any = object()


def _format(meter: Meter, value: Any, spec: Any = "", /) -> str:
    return format_value(meter, value, spec)


def _print(
    meter: Meter, /, *values: Any, sep: Any = " ", end: Any = "\n", file: Any = None, flush: Any = False
) -> None:
    if file is not None:
        raise AttributeError(f"'{type_name(file)}' object has no attribute 'write'")
    del flush  # the trace is written in any case
    between, last = (" " if sep is None else sep), ("\n" if end is None else end)
    for name, text in (("sep", between), ("end", last)):
        if type(text) is not str:
            raise TypeError(f"{name} must be None or a string, not {type_name(text)}")
    meter.charge(3 * len(values))
    texts = [text_of(meter, value) for value in values]
    charged = meter.text(sum(map(len, texts)) + len(between) * len(texts) + len(last))
    meter.write(meter.made_text(between.join(texts) + last, charged))


def _str(meter: Meter, object: Any = _MISSING, encoding: Any = _MISSING, errors: Any = _MISSING) -> str:  # noqa: A002 - Python's name
    if encoding is not _MISSING or errors is not _MISSING:
        raise TypeError(f"decoding to str: need a bytes-like object, {type_name(object)} found")
    return "" if object is _MISSING else text_of(meter, object)


def _bool(_meter: Meter, value: Any = False, /) -> bool:
    return bool(value)


def _function(name: str, signature: str, cost: str, doc: str, implementation: Implementation) -> FunctionEntry:
    return FunctionEntry(name, signature, cost, doc, Builtin(name, implementation))


def _type(
    signature: str, cost: str, doc: str, python_type: type, implementation: Implementation, **members: Builtin
) -> FunctionEntry:
    name = python_type.__name__
    return FunctionEntry(name, signature, cost, doc, TypeValue(name, python_type, implementation, members))


def _exception(name: str, value: TypeValue) -> FunctionEntry:
    bases = [base.__name__ for base in value.python_type.__mro__[1:] if base.__name__ in EXCEPTIONS]
    kind = f"an exception, a kind of {bases[0]}" if bases else "what all exceptions are a kind of"
    return FunctionEntry(name, f"{name}(*args)", CONSTANT, kind, value)


_FUNCTIONS = (
    _function("abs", "abs(number, /)", CONSTANT, "the number without its sign", numbers.absolute),
    _function("all", "all(iterable, /)", ITEMS, "True when no value is false", sequences.all_true),
    _function("any", "any(iterable, /)", ITEMS, "True when at least one value is true", sequences.any_true),
    _function("ascii", "ascii(value, /)", RESULT, "`repr` with other than ASCII characters escaped", ascii_text),
    _function("bin", "bin(number, /)", LENGTH, "the number in base 2, behind `0b`", numbers.in_base(bin)),
    _type("bool(value=False, /)", CONSTANT, "the truth of a value", bool, _bool),
    _function("callable", "callable(value, /)", CONSTANT, "True when the value can be called", kinds.can_call),
    _function("chr", "chr(number, /)", CONSTANT, "the character with this code", numbers.character),
    _type(
        "dict(pairs=(), /, **named)",
        ITEMS,
        "a new dict",
        dict,
        sequences.to_dict,
        fromkeys=Builtin("fromkeys", sequences.from_keys),
    ),
    _function("divmod", "divmod(a, b, /)", LENGTH, "quotient and remainder", numbers.divide_with_remainder),
    _type("enumerate(iterable, start=0)", ITEMS, "pairs of number and value", enumerate, sequences.numbered),
    _type(
        "filter(function, iterable, /)", ITEMS, "the values for which the function is true", filter, sequences.filtered
    ),
    _type(
        "float(value=0.0, /)",
        LENGTH,
        "a number with a fraction",
        float,
        numbers.to_float,
        fromhex=Builtin("fromhex", numbers.float_from_hex),
    ),
    _function("format", "format(value, spec='', /)", RESULT, "the value as text by a format spec", _format),
    _type("frozenset(iterable=(), /)", ITEMS, "a new set that cannot change", frozenset, sequences.to_frozenset),
    _function("hex", "hex(number, /)", LENGTH, "the number in base 16, behind `0x`", numbers.in_base(hex)),
    _type("int(value=0, /, base=10)", LENGTH, "a whole number", int, numbers.to_int),
    _function(
        "isinstance",
        "isinstance(value, types, /)",
        ITEMS,
        "True when the value is of one of the types",
        kinds.is_instance,
    ),
    _function(
        "issubclass",
        "issubclass(type, types, /)",
        ITEMS,
        "True when the type is a kind of one of the types",
        kinds.is_subclass,
    ),
    _function(
        "iter",
        "iter(iterable, sentinel=..., /)",
        CONSTANT,
        "the values one by one, or a function's results until one is the sentinel",
        sequences.iterator_of,
    ),
    _function("len", "len(value, /)", CONSTANT, "how many characters or items", sequences.length),
    _type("list(iterable=(), /)", ITEMS, "a new list", list, sequences.to_list),
    _type("map(function, /, *iterables)", ITEMS, "the function's result for each value", map, sequences.mapped),
    _function("max", "max(*values, key=None, default=...)", ITEMS, "the largest value", sequences.extreme(max)),
    _function("min", "min(*values, key=None, default=...)", ITEMS, "the smallest value", sequences.extreme(min)),
    _function(
        "next",
        "next(iterator, default=..., /)",
        CONSTANT,
        "the next value, or the default behind the last",
        sequences.next_of,
    ),
    _function("oct", "oct(number, /)", LENGTH, "the number in base 8, behind `0o`", numbers.in_base(oct)),
    _function("ord", "ord(character, /)", CONSTANT, "the code of a character", numbers.code_of),
    _function("pow", "pow(base, exp, mod=None)", RESULT, "a power", numbers.pow_number),
    _function("print", "print(*values, sep=' ', end='\\n')", RESULT, "writes to the trace", _print),
    _type("range(start, stop, step, /)", CONSTANT, "whole numbers from start to before stop", range, sequences.numbers),
    _function("repr", "repr(value, /)", RESULT, "the value as it would be written in a rule", plain_repr),
    _type("reversed(sequence, /)", ITEMS, "the values from last to first", reversed, sequences.reverse_iterator),
    _function("round", "round(number, ndigits=None)", LENGTH, "the number rounded", numbers.round_number),
    _type("set(iterable=(), /)", ITEMS, "a new set", set, sequences.to_set),
    _type(
        "slice(start, stop, step, /)",
        CONSTANT,
        "what stands in the brackets of `text[start:stop:step]`",
        slice,
        sequences.slice_of,
    ),
    _function(
        "sorted", "sorted(iterable, /, *, key=None, reverse=False)", ITEMS, "a new list in order", sequences.sorted_list
    ),
    _type("str(object='')", RESULT, "the value as text", str, _str),
    _function("sum", "sum(iterable, /, start=0)", ITEMS, "the total", numbers.total),
    _type("tuple(iterable=(), /)", ITEMS, "a new tuple", tuple, sequences.to_tuple),
    FunctionEntry(
        "type", "type(value, /)", CONSTANT, "the type of a value", TypeValue("type", TypeValue, kinds.kind_of)
    ),
    _type(
        "zip(*iterables, strict=False)", ITEMS, "tuples of values that stand at the same place", zip, sequences.zipped
    ),
    *(_exception(name, value) for name, value in EXCEPTIONS.items()),
)

# Python's own for those that take no time and make nothing, whatever they are given: a call of them needs no meter.
DIRECT: dict[str, Callable[..., Any]] = {"bool": bool, "chr": chr, "len": len, "ord": ord}

FUNCTIONS: dict[str, FunctionEntry] = {entry.name: entry for entry in _FUNCTIONS}
