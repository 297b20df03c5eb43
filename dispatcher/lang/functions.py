"""The functions and types that rules can call, in one table: name, signature, documentation, implementation.

The checker knows names from it, the compiler takes implementations from it, and documentation is made of it. An
implementation gets the meter and then the rule's arguments, and asks the meter before it works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.formatting import ascii_text, format_value, plain_repr, text_of
from dispatcher.lang.iteration import collect, collect_keys, collect_pairs, iterate
from dispatcher.lang.measuring import ENTRY_SIZE, weigh
from dispatcher.lang.operations import add, power
from dispatcher.lang.values import Builtin, Implementation, TypeValue, as_callable, type_name


@dataclass(frozen=True, slots=True)
class FunctionEntry:
    """One line of the table; `value` is what the name means where it is not called."""

    name: str
    signature: str
    doc: str
    value: Builtin | TypeValue

    @property
    def implementation(self) -> Implementation:
        """Return what carries out a call."""
        return self.value.implementation


_MISSING: Any = object()


def _len(_meter: Meter, value: Any, /) -> int:
    return len(value)


def _sum(meter: Meter, iterable: Any, /, start: Any = 0) -> Any:
    if isinstance(start, str):
        raise TypeError("sum() can't sum strings [use ''.join(seq) instead]")
    if type(start) in (int, float):
        # A number never adds to a text or a list, so what grows cannot get into such a sum.
        return sum(iterate(meter, iterable, 1), start)
    total = start
    for value in iterate(meter, iterable, 1):
        total = add(meter, total, value)
    return total


def _any(meter: Meter, iterable: Any, /) -> bool:
    return any(iterate(meter, iterable, 1))


def _all(meter: Meter, iterable: Any, /) -> bool:
    return all(iterate(meter, iterable, 1))


def _extreme(choose: Callable[..., Any]) -> Implementation:
    def extreme(meter: Meter, *values: Any, key: Any = None, default: Any = _MISSING) -> Any:
        if not values:
            raise TypeError(f"{choose.__name__} expected at least 1 argument, got 0")
        if len(values) > 1 and default is not _MISSING:
            raise TypeError(f"Cannot specify a default for {choose.__name__}() with multiple positional arguments")
        found = collect(meter, values[0]) if len(values) == 1 else list(values)
        if not found and default is not _MISSING:
            return default
        keys = found if key is None else [function(value) for function in (as_callable(meter, key),) for value in found]
        weigh(meter, keys)
        if not keys:
            return choose(found)
        return found[choose(range(len(keys)), key=keys.__getitem__)]

    return extreme


def _sorted(meter: Meter, iterable: Any, /, *, key: Any = None, reverse: Any = False) -> list[Any]:
    values = collect(meter, iterable)
    sort_list(meter, values, key=key, reverse=reverse)
    return values


def sort_list(meter: Meter, values: list[Any], *, key: Any = None, reverse: Any = False) -> None:
    """Sort `values` in place, charged for its comparisons."""
    rounds = len(values).bit_length()
    meter.charge(len(values) * rounds)
    if key is None:
        for _ in range(min(rounds, 1 if all(type(value) in (int, float, str, bool) for value in values) else rounds)):
            weigh(meter, values)
        values.sort(reverse=bool(reverse))
        return
    function = as_callable(meter, key)
    keys = [function(value) for value in values]
    for _ in range(1 if all(type(value) in (int, float, str, bool) for value in keys) else rounds):
        weigh(meter, keys)
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=bool(reverse))
    values[:] = [values[index] for index in order]


def _reversed(meter: Meter, sequence: Any, /) -> Any:
    if type(sequence) not in (str, list, tuple, range, dict) and not hasattr(type(sequence), "__reversed__"):
        raise TypeError(f"'{type_name(sequence)}' object is not reversible")
    meter.charge(len(sequence))
    return reversed(sequence)


def _range(_meter: Meter, /, *bounds: Any) -> range:
    return range(*bounds)


def _enumerate(meter: Meter, iterable: Any, start: Any = 0) -> Any:
    return enumerate(_lazy(meter, iterable), start)


def _zip(meter: Meter, /, *iterables: Any, strict: Any = False) -> Any:
    return zip(*[_lazy(meter, iterable) for iterable in iterables], strict=bool(strict))


def _map(meter: Meter, function: Any, /, *iterables: Any) -> Any:
    if not iterables:
        raise TypeError("map() must have at least two arguments.")
    return map(as_callable(meter, function), *[_lazy(meter, iterable) for iterable in iterables])


def _filter(meter: Meter, function: Any, iterable: Any, /) -> Any:
    return filter(None if function is None else as_callable(meter, function), _lazy(meter, iterable))


def _lazy(meter: Meter, iterable: Any) -> Iterable[Any]:
    # Making an iterator takes its time too, and rules may stack them.
    meter.charge(20)
    return iterate(meter, iterable, 1)


def _abs(_meter: Meter, number: Any, /) -> Any:
    return abs(number)


def _round(meter: Meter, number: Any, ndigits: Any = None) -> Any:
    if isinstance(number, int) and isinstance(ndigits, int) and ndigits < 0:
        meter.number(-ndigits * 4)
        meter.number(number.bit_length())
    return round(number, ndigits)


def _pow(meter: Meter, base: Any, exp: Any, mod: Any = None) -> Any:
    if mod is None:
        return power(meter, base, exp)
    if type(exp) is int and type(mod) is int:
        meter.charge((exp.bit_length() + 1) * ((mod.bit_length() >> 6) + 1) ** 2 >> 3)
    return pow(base, exp, mod)


def _divmod(meter: Meter, a: Any, b: Any, /) -> Any:
    if type(a) is int and type(b) is int:
        meter.number(a.bit_length())
    return divmod(a, b)


def _isinstance(meter: Meter, value: Any, kinds: Any, /) -> bool:
    pending = [kinds]
    types: list[type] = []
    while pending:
        kind = pending.pop()
        meter.charge(1)
        if type(kind) is tuple:
            pending.extend(kind)
        elif type(kind) is TypeValue:
            types.append(kind.python_type)
        else:
            raise TypeError("isinstance() arg 2 must be a type, a tuple of types, or a union")
    return isinstance(value, tuple(types))


def _chr(_meter: Meter, number: Any, /) -> str:
    return chr(number)


def _ord(_meter: Meter, character: Any, /) -> int:
    return ord(character)


def _repr(meter: Meter, value: Any, /) -> str:
    return plain_repr(meter, value)


def _format(meter: Meter, value: Any, spec: Any = "", /) -> str:
    return format_value(meter, value, spec)


def _print(meter: Meter, *values: Any, sep: Any = " ", end: Any = "\n", flush: Any = False) -> None:
    del flush  # the trace is written in any case
    texts = [text_of(meter, value) for value in values]
    between, last = (" " if sep is None else sep), ("\n" if end is None else end)
    if not isinstance(between, str) or not isinstance(last, str):
        raise TypeError("sep and end must be None or a string")
    meter.text(sum(map(len, texts)) + len(between) * len(texts) + len(last))
    meter.write(between.join(texts) + last)


def _str(meter: Meter, value: Any = "", /) -> str:
    return text_of(meter, value)


def _int(meter: Meter, value: Any = 0, /, base: Any = _MISSING) -> int:
    if type(value) is str:
        if len(value) > meter.limits.number_bits:
            raise LimitExceeded(f"a number would have more than {meter.limits.number_bits:,} digits")
        meter.charge(len(value) >> 3)
    if base is not _MISSING:
        return int(value, base)
    if not isinstance(value, int | float | str):
        raise TypeError(
            f"int() argument must be a string, a bytes-like object or a real number, not '{type_name(value)}'"
        )
    return int(value)


def _float(meter: Meter, value: Any = 0.0, /) -> float:
    if type(value) is str:
        meter.charge(len(value) >> 3)
    if not isinstance(value, int | float | str):
        raise TypeError(f"float() argument must be a string or a real number, not '{type_name(value)}'")
    return float(value)


def _bool(_meter: Meter, value: Any = False, /) -> bool:
    return bool(value)


def _list(meter: Meter, iterable: Any = (), /) -> list[Any]:
    return collect(meter, iterable)


def _tuple(meter: Meter, iterable: Any = (), /) -> tuple[Any, ...]:
    return iterable if type(iterable) is tuple else tuple(collect(meter, iterable))


def _set(meter: Meter, iterable: Any = (), /) -> set[Any]:
    return set(collect_keys(meter, iterable))


def _frozenset(meter: Meter, iterable: Any = (), /) -> frozenset[Any]:
    return frozenset(collect_keys(meter, iterable))


def _dict(meter: Meter, pairs: Any = (), /, **named: Any) -> dict[Any, Any]:
    source = collect_pairs(meter, pairs)
    count = len(source) + len(named)
    meter.items(count)
    meter.allocate(count * ENTRY_SIZE)
    return dict(source, **named)


def _fromkeys(meter: Meter, iterable: Any, value: Any = None, /) -> dict[Any, Any]:
    return dict.fromkeys(collect_keys(meter, iterable), value)


def _function(name: str, signature: str, doc: str, implementation: Implementation) -> FunctionEntry:
    return FunctionEntry(name, signature, doc, Builtin(name, implementation))


def _type(
    name: str, signature: str, doc: str, python_type: type, implementation: Implementation, **members: Builtin
) -> FunctionEntry:
    return FunctionEntry(name, signature, doc, TypeValue(name, python_type, implementation, members))


FUNCTIONS: dict[str, FunctionEntry] = {
    entry.name: entry
    for entry in (
        _function("abs", "abs(number)", "the number without its sign", _abs),
        _function("all", "all(iterable)", "True when no value is false", _all),
        _function("any", "any(iterable)", "True when at least one value is true", _any),
        _function("ascii", "ascii(value)", "`repr` with other than ASCII characters escaped", ascii_text),
        _type("bool", "bool(value=False)", "the truth of a value", bool, _bool),
        _function("chr", "chr(number)", "the character with this code", _chr),
        _type("dict", "dict(pairs=(), **named)", "a new dict", dict, _dict, fromkeys=Builtin("fromkeys", _fromkeys)),
        _function("divmod", "divmod(a, b)", "quotient and remainder", _divmod),
        _function("enumerate", "enumerate(iterable, start=0)", "pairs of number and value", _enumerate),
        _function("filter", "filter(function, iterable)", "the values for which the function is true", _filter),
        _type("float", "float(value=0.0)", "a number with a fraction", float, _float),
        _function("format", "format(value, spec='')", "the value as text by a format spec", _format),
        _type("frozenset", "frozenset(iterable=())", "a new set that cannot change", frozenset, _frozenset),
        _type("int", "int(value=0, base=10)", "a whole number", int, _int),
        _function("isinstance", "isinstance(value, types)", "True when the value is of one of the types", _isinstance),
        _function("len", "len(value)", "how many characters or items", _len),
        _type("list", "list(iterable=())", "a new list", list, _list),
        _function("map", "map(function, *iterables)", "the function's result for each value", _map),
        _function("max", "max(*values, key=None, default=...)", "the largest value", _extreme(max)),
        _function("min", "min(*values, key=None, default=...)", "the smallest value", _extreme(min)),
        _function("ord", "ord(character)", "the code of a character", _ord),
        _function("pow", "pow(base, exp, mod=None)", "a power", _pow),
        _function("print", "print(*values, sep=' ', end='\\n')", "writes to the trace", _print),
        _type("range", "range(start, stop, step)", "whole numbers from start to before stop", range, _range),
        _function("repr", "repr(value)", "the value as it would be written in a rule", _repr),
        _function("reversed", "reversed(sequence)", "the values from last to first", _reversed),
        _function("round", "round(number, ndigits=None)", "the number rounded", _round),
        _type("set", "set(iterable=())", "a new set", set, _set),
        _function("sorted", "sorted(iterable, key=None, reverse=False)", "a new list in order", _sorted),
        _type("str", "str(value='')", "the value as text", str, _str),
        _function("sum", "sum(iterable, start=0)", "the total", _sum),
        _type("tuple", "tuple(iterable=())", "a new tuple", tuple, _tuple),
        _function("zip", "zip(*iterables, strict=False)", "tuples of values that stand at the same place", _zip),
    )
}  # fmt: skip
