"""What walking, comparing, searching, hashing and showing values takes, charged before it is done."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection
from datetime import date, datetime, time, timedelta, timezone
from types import FunctionType
from typing import Any, TypeVar

from dispatcher.lang.budget import Keys, LimitExceeded, Meter
from dispatcher.lang.regex import Match, Pattern
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue, type_name

SCALARS = frozenset({int, float, str, bool, type(None)})


SEQUENCES = frozenset({str, list, tuple})


_ORDERED: OrderedDict[Any, Any] = OrderedDict()
VIEWS = frozenset(
    {
        *(type({}.keys()), type({}.values()), type({}.items())),
        *(type(_ORDERED.keys()), type(_ORDERED.values()), type(_ORDERED.items())),
    }
)


SIZED = SEQUENCES | VIEWS | {dict, set, frozenset, range}


# Bytes of a reference in a list, and of an entry in a dict or a set, as CPython lays them out at the most.
ITEM_SIZE = 8
ENTRY_SIZE = 100

# What Python shows of an object by its address; rules get the text without it.

# Steps for telling what kind of value one is that is no scalar, and one that holds none either.
COLLECTION_COST = 8
OBJECT_COST = 8

_WHOLE = frozenset({int, bool})
_WORDS = frozenset({bool, type(None)})


def weigh(meter: Meter, value: Any, *, shown: bool = False) -> int:
    """Charge for walking through all that is inside `value`; return a bound on the length of its repr.

    Values that are shared count each time, as comparing or printing them does; raises LimitExceeded also for values
    that nest deeper than the limit. With `shown`, a value inside itself is `[...]`, as Python prints it.
    """
    if type(value) in SCALARS:
        return _scalar_size(meter, value)
    size = 0
    pending = [(value, 0)]
    while pending:
        current, depth = pending.pop()
        kind = type(current)
        if kind in SCALARS:
            size += _scalar_size(meter, current) + 2
            continue
        parts = _parts(meter, current)
        if parts is None:
            size += _object_size(meter, current)
            continue
        if depth >= meter.limits.nesting:
            if shown:
                return _weigh_path(meter, value)
            raise LimitExceeded(f"a value nests more than {meter.limits.nesting} deep")
        meter.unordered = meter.unordered or kind in (set, frozenset)
        flat = _flat_size(meter, parts)
        size += 40
        if flat is not None:
            size += flat
            continue
        meter.charge(2 * len(parts))
        depth += 1
        pending += [(part, depth) for part in parts]
    return size


def _weigh_path(meter: Meter, value: Any) -> int:
    """Weigh a value that may hold itself: on each path from it down, a value counts once."""
    size = 0
    path: set[int] = set()
    # Each value, or with True the id of one whose parts are done.
    pending: list[tuple[Any, bool]] = [(value, False)]
    cyclic = False
    while pending:
        current, done = pending.pop()
        if done:
            path.discard(current)
            continue
        size += 40
        if type(current) in SCALARS:
            size += _scalar_size(meter, current)
            continue
        if id(current) in path:
            cyclic = True
            continue
        parts = _parts(meter, current)
        if parts is None:
            size += _object_size(meter, current)
            continue
        if len(path) >= meter.limits.nesting:
            raise LimitExceeded(f"a value nests more than {meter.limits.nesting} deep")
        meter.unordered = meter.unordered or type(current) in (set, frozenset)
        meter.charge(3 + 3 * len(parts))
        path.add(id(current))
        pending.append((id(current), True))
        pending += [(part, False) for part in parts]
    if cyclic and (meter.unordered or meter.opaque):
        meter.unordered = meter.opaque = False
        raise LimitExceeded("a value that holds itself can be shown only where it holds no set and no function")
    return size


def _parts(meter: Meter, value: Any) -> Collection[Any] | None:
    """Return the values directly inside `value`, charged for; None where it holds none."""
    if isinstance(value, list | tuple | set | frozenset | deque):
        meter.charge(COLLECTION_COST + (len(value) >> 1))
        return value
    if isinstance(value, dict):
        meter.charge(5 + 2 * len(value))
        factory = (value.default_factory,) if isinstance(value, defaultdict) else ()
        return [*factory, *value, *value.values()]
    if type(value) in VIEWS:
        # The pairs of `items` are made for this.
        meter.charge(5 + 2 * len(value))
        return list(value)
    if isinstance(value, BaseException):
        meter.charge(OBJECT_COST + len(value.args))
        return value.args
    if type(value) is slice:
        return (value.start, value.stop, value.step)
    return None


def _flat_size(meter: Meter, parts: Collection[Any]) -> int | None:
    """Return a bound on what the repr of `parts` takes where all are of one kind that is quickly told, or None."""
    kinds = set(map(type, parts))
    count = len(parts)
    if len(kinds) == 1 and str in kinds:
        length = sum(map(len, parts))
        meter.charge(length >> 10)
        return 10 * length + 4 * count
    if kinds <= _WHOLE:
        bits = sum(map(int.bit_length, parts))
        # A number of up to 64 bits becomes text in no time; longer ones are looked at one by one.
        return bits // 3 + 8 * count if bits <= 64 * count else None
    if len(kinds) == 1 and float in kinds:
        # The shortest digits that mean a float take their time to find.
        meter.charge(3 * count)
        return 27 * count
    return 8 * count if kinds <= _WORDS else None


def _scalar_size(meter: Meter, value: Any) -> int:
    if type(value) is str:
        length = len(value)
        meter.charge(length >> 10)
        # A character may become an escape such as \x00, or beyond ASCII \U0001f600.
        return 2 + length * (4 if value.isascii() else 10)
    if type(value) is int:
        return _number_size(meter, value)
    if type(value) is float:
        meter.charge(3)
    return 25


def _number_size(meter: Meter, number: int) -> int:
    bits = number.bit_length()
    if bits > 1024:
        # Its digits take the square of their count.
        meter.charge((bits >> 8) ** 2)
    return 3 + bits // 3


def _object_size(meter: Meter, value: Any) -> int:
    """Charge for a value that holds no others, and note that its repr may show an address; return a bound on that."""
    meter.opaque = True
    meter.charge(OBJECT_COST)
    # Of what else there is, these alone show what they were made of, and no other repr is longer than this.
    if type(value) is range:
        return 20 + sum(_number_size(meter, number) for number in (value.start, value.stop, value.step))
    if type(value) is Pattern:
        return 40 + 10 * len(value.pattern)
    if type(value) is Match:
        return 700
    return 200


def weigh_both(meter: Meter, a: Any, b: Any) -> None:
    """Charge for comparing `a` and `b`."""
    kind, other = type(a), type(b)
    if kind in SCALARS or other in SCALARS:
        # A scalar and a collection are unequal at once; only two long texts take their time.
        if kind is str and other is str:
            meter.charge(min(len(a), len(b)) >> 9)
        return
    if a is b and isinstance(a, list | tuple):
        # Python compares each item with itself, and an item is itself without a further look.
        meter.charge(len(a) >> 4)
        return
    if kind is range or other is range:
        # Ranges are compared by their ends, and with nothing else; Python has no length for the longest.
        return
    # Comparing goes through both side by side, and ends with the smaller one.
    if isinstance(a, Collection) and isinstance(b, Collection):
        weigh(meter, a if len(a) <= len(b) else b)
        meet(meter, a, b)


def scan(meter: Meter, item: Any, container: Any) -> None:
    """Charge for comparing `item` with everything in `container`."""
    count = len(container)
    kind = type(item)
    if kind in SCALARS:
        meter.charge(1 + (count >> 2))
        if kind is str:
            meter.charge(count * (len(item) >> 10))
        elif kind is int:
            meter.charge(count * (item.bit_length() >> 12))
        elif kind is float:
            # Beside a long whole number, a float becomes one.
            meter.charge(count << 1)
        return
    weigh(meter, container)


def search(meter: Meter, text: str, wanted: Any) -> None:
    """Charge for looking for `wanted` in `text` from the left.

    CPython tries each place where the last character stands; it is linear where both are long.
    """
    _charge_search(meter, text, wanted, -1)


def search_back(meter: Meter, text: str, wanted: Any) -> None:
    """Charge for looking for `wanted` from the right, where CPython tries each place of the first character."""
    _charge_search(meter, text, wanted, 0)


def _charge_search(meter: Meter, text: str, wanted: Any, tried: int) -> None:
    length = len(text)
    width = len(wanted) if type(wanted) is str else 1
    if width <= 1:
        meter.charge(1 + (length >> 8))
    elif length < COUNTED:
        meter.charge(1 + (length * width >> 9))
    else:
        places = text.count(wanted[tried])
        linear = tried and (length >= 30_000 or width >= 100)
        # For long ones CPython goes two ways, which takes up to 6 ns a character.
        meter.charge(1 + (length >> (4 if linear and width >= 100 else 8)))
        meter.charge(places >> 5 if linear else places * width >> 9)


# Characters of a text in which it pays to count the places where a search could begin.
COUNTED = 1_000


def refuse_own(owner: Any, what: str) -> None:
    """Raise TypeError where Python would for a function, type or module, in Python's words."""
    if type(owner) in (Builtin, TypeValue, BoundMethod, ModuleValue, FunctionType):
        raise TypeError(f"'{type_name(owner)}' object {what}")


# --- hashing


# Python's hash of a number is what is left when it is divided by this.
HASH_MODULUS = (1 << 61) - 1
# Entries of a table in which looking a key up takes no time, wherever the others lie.
SMALL_TABLE = 64


def hashable(meter: Meter, key: Any, table: Any = None) -> Any:
    """Charge for hashing `key` and for finding it in `table`; return it.

    Python hashes texts differently in each process, but numbers, and tuples of them, alike in all. So numbers can be
    chosen for which a look-up passes all entries of a table, some 3 ns each, and tuples that have one hash, so that a
    look-up compares the key with all of them. The first can take no more entries than numbers were put into tables at
    places other than their own; the others are counted by looking up something that has the same hash.
    """
    kind = type(key)
    if kind is str:
        meter.charge(len(key) >> 8)
        return key
    if kind is slice:
        raise TypeError("unhashable type: 'slice'")
    before = meter.steps
    if kind not in SCALARS:
        weigh(meter, key)
        see(meter, key)
    elif kind is int:
        meter.charge(key.bit_length() >> 10)
    elif key != key:
        meter.seen.setdefault(id(key), (len(meter.seen), key))
    if table is None or len(table) < SMALL_TABLE:
        return key
    passed = _passed(meter, len(table))
    if _is_alike(key):
        effort = 2 + (before - meter.steps >> 2)
        meter.charge(2 * passed + 4)
        before = meter.steps
        _SameHash(meter, hash(key), effort) in table  # noqa: B015 - what it is compared with is charged for
        meter.keys.alike += meter.steps < before
    elif kind is int or kind is float:
        meter.charge(passed)
    return key


def see(meter: Meter, key: Any) -> None:
    """Number what in a key has no order of its own and no text that tells it apart, such as a lambda."""
    if type(key) in (tuple, frozenset):
        for part in key:
            if type(part) not in SCALARS:
                see(meter, part)
    elif not isinstance(key, _COMPARED):
        # The value is kept, so that no other one gets its id.
        meter.seen.setdefault(id(key), (len(meter.seen), key))


def seen(meter: Meter, key: Any) -> tuple[int, ...]:
    """Return the numbers of what was seen in a key, in the order of the key."""
    if type(key) is tuple:
        return tuple(number for part in key for number in seen(meter, part))
    if type(key) is frozenset:
        return tuple(sorted(number for part in key for number in seen(meter, part)))
    number, _ = meter.seen.get(id(key), (-1, None))
    return (number,)


def new_key(meter: Meter, key: Any, table: Any) -> Any:
    """Charge for hashing `key` and putting it into `table`, or taking it out; return it."""
    if len(table) >= SMALL_TABLE and _is_scattered(meter, key, len(table)):
        meter.keys.scattered += 1
    return hashable(meter, key, table)


def _is_scattered(meter: Meter, key: Any, count: int) -> bool:
    """Tell whether `key` may have been chosen for where it lies in a table of `count` entries."""
    if type(key) is not int or _is_alike(key):
        return type(key) is float or _is_alike(key)
    # Whole numbers from 0 on without gaps lie in places of their own.
    return not 0 <= key <= count + (count >> 4) and not meter.keys.follows(key)


def fresh_key(meter: Meter, key: Any, keys: Keys) -> Any:
    """Charge for hashing `key` and putting it among `keys`, whose table is not to be seen; return it."""
    before = meter.steps
    hashable(meter, key)
    if _is_alike(key):
        effort = 2 + (before - meter.steps >> 2)
        meter.charge(4)
        equals = keys.of_hash(hash(key))
        meter.charge(equals * effort)
        meter.keys.alike += equals > 0
    elif type(key) is not float and (type(key) is not int or keys.follows(key) or 0 <= key < SMALL_TABLE):
        return key
    keys.scattered += 1
    meter.keys.scattered += 1
    meter.charge(keys.scattered >> 5)
    return key


def _is_alike(key: Any) -> bool:
    """Tell whether many keys can be chosen to have the hash of `key`, which goes by numbers inside it."""
    kind = type(key)
    if kind is int:
        return not -HASH_MODULUS < key < HASH_MODULUS
    if kind is tuple:
        return not set(map(type, key)) <= _TEXTUAL
    return kind not in SCALARS and isinstance(key, _ALIKE)


_COMPARED = (int, float, str, range, timedelta, date, time, timezone, Pattern, TypeValue, Builtin)
_ALIKE = (frozenset, range, timedelta, datetime, time, Pattern)
_TEXTUAL = frozenset({str, bool, type(None)})


def meet(meter: Meter, keys: Any, table: Any) -> None:
    """Charge for looking up in `table` the keys of a dict or a set, or those of a list of pairs, or putting them there.

    Charges nothing where one of them is something else.
    """
    if not isinstance(table, _TABLES) or not isinstance(keys, (*_TABLES, list)):
        return
    count = len(keys)
    if len(table) < SMALL_TABLE:
        if count >= SMALL_TABLE and type(keys) is not list:
            # There they meet each other once more.
            meter.charge(count * min(meter.keys.alike, count) >> 2)
            meter.charge(count * _passed(meter, count) if table else 0)
        return
    meter.charge(1 + (count >> 3))
    if count < SMALL_TABLE:
        # Nobody has looked at the keys of a small table so far.
        meter.charge(3 * count)
        for key in keys if type(keys) is not list else [pair[0] for pair in keys if pair]:
            new_key(meter, key, table)
        return
    meter.charge(count * _passed(meter, len(table)))
    meter.charge(count * min(meter.keys.alike, len(table)) >> 2)


_TABLES = (dict, set, frozenset)


def _passed(meter: Meter, count: int) -> int:
    """Return the steps that it may take to pass entries of a table of `count` on the way to a key."""
    return min(count, 4 * meter.keys.scattered) >> 5


class _SameHash:
    """Charges for each key of a table that has the same hash as another, and equals none of them."""

    __slots__ = ("_effort", "_hash", "_meter")

    def __init__(self, meter: Meter, value: int, effort: int) -> None:
        self._meter = meter
        self._hash = value
        self._effort = effort

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, _other: object) -> bool:
        self._meter.charge(self._effort)
        return False


Table = TypeVar("Table", dict[Any, Any], set[Any], frozenset[Any])


def charge_table(meter: Meter, count: int) -> int:
    """Allow a dict or a set of `count` entries to be made; return the bytes charged for it."""
    charged = meter.items(count)
    rest = count * ENTRY_SIZE - charged
    meter.allocate(rest)
    return charged + rest


def made_table(meter: Meter, table: Table, charged: int, *, picked: bool = False) -> Table:
    """Return a new dict or set, for which `charged` bytes were allocated; `picked` where others were left out of it."""
    if picked and len(table) >= SMALL_TABLE and not set(map(type, table)) <= _TEXTUAL:
        # What is left may lie anywhere in a smaller table.
        meter.keys.scattered += len(table)
    meter.made(table, charged, len(table) * ENTRY_SIZE)
    return table


def grow(meter: Meter, owner: Any, count: int, size: int) -> None:
    """Allow `count` more items, of `size` bytes each, in a collection that is there."""
    if len(owner) + count > meter.limits.items:
        meter.items(len(owner) + count)
    meter.allocate(count * size)
