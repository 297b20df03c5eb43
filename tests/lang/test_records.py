"""Dataclasses of the package mean what the standard library's mean."""

from __future__ import annotations

import dataclasses
from types import ModuleType
from typing import Any

import pytest

from dispatcher.lang import records


def classes(module: Any) -> list[Any]:
    """Return classes made by a module that has `dataclass` and `field`."""

    @module.dataclass(frozen=True, slots=True, kw_only=True)
    class Placed:
        start: int
        end: int = 9

    @module.dataclass(frozen=True, slots=True)
    class Named(Placed):
        """A class with a base, a property and a default."""

        name: str
        values: tuple[int, ...] = ()

        @property
        def width(self) -> int:
            return self.end - self.start

    @module.dataclass(slots=True)
    class Changing:
        counts: list[int] = module.field(default_factory=list)

    @module.dataclass(frozen=True, slots=True, eq=False)
    class Single:
        value: Any

    @module.dataclass(frozen=True, slots=True)
    class Finished:
        text: str
        length: int = module.field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.text))

    @module.dataclass(frozen=True, slots=True)
    class Empty(Placed):
        pass

    return [Placed, Named, Changing, Single, Finished, Empty]


def outcome(call: Any) -> object:
    """Return what a call gives, or the type and text of what it raises."""
    try:
        return call()
    except (TypeError, AttributeError) as error:
        return (TypeError if isinstance(error, TypeError) else AttributeError), str(error).replace(
            "classes.<locals>.", ""
        )


CALLS = (
    lambda c: repr(c[0](start=1)),
    lambda c: repr(c[1]("a", (1,), start=1, end=2)),
    lambda c: repr(c[1]("a", start=1)),
    lambda c: repr(c[2]()),
    lambda c: repr(c[4]("abc")),
    lambda c: repr(c[5](start=3)),
    lambda c: c[1]("a", start=1).width,
    lambda c: [kind.__match_args__ for kind in c],
    lambda c: [kind.__slots__ for kind in c],
    lambda c: [kind.__doc__ for kind in c[1:2]],
    lambda c: c[1]("a", start=1) == c[1]("a", start=1),
    lambda c: c[1]("a", start=1) == c[1]("b", start=1),
    lambda c: c[0](start=1) == c[5](start=1),
    lambda c: c[0](start=1) == 1,
    lambda c: c[2]([1]) == c[2]([1]),
    lambda c: c[3](1) == c[3](1),
    lambda c: hash(c[1]("a", start=1)) == hash(c[1]("a", start=1)),
    lambda c: len({c[1]("a", start=1), c[1]("a", start=1), c[1]("b", start=1)}),
    lambda c: c[2].__hash__,
    lambda c: c[2]().counts is c[2]().counts,
    lambda c: c[0](),
    lambda c: c[0](1),
    lambda c: c[1](start=1),
    lambda c: c[4]("a", 1),
    lambda c: c[3](value=1, other=2),
)


@pytest.mark.parametrize("call", CALLS)
def test_classes_behave_alike(call: Any) -> None:
    """The same definition gives objects that show, compare, hash and refuse arguments in the same way."""
    assert outcome(lambda: call(classes(records))) == outcome(lambda: call(classes(dataclasses)))


@pytest.mark.parametrize("module", [records, dataclasses], ids=["records", "dataclasses"])
def test_replace_makes_a_copy(module: ModuleType) -> None:
    """A copy has the changes, and what was not changed; what `__post_init__` sets is set anew."""
    _, named, _, _, finished, _ = classes(module)
    before = named("a", (1,), start=1)

    assert module.replace(before, name="b", end=5) == named("b", (1,), start=1, end=5)
    assert before == named("a", (1,), start=1, end=9)
    assert module.replace(finished("abc"), text="ab").length == 2


@pytest.mark.parametrize("module", [records, dataclasses], ids=["records", "dataclasses"])
def test_frozen_objects_refuse_changes(module: ModuleType) -> None:
    """No field of a frozen object can be set, deleted or added; those of others can be set."""
    placed, _, changing, *_ = classes(module)
    frozen = placed(start=1)

    with pytest.raises(AttributeError, match="start"):
        frozen.start = 2
    with pytest.raises(AttributeError, match="start"):
        del frozen.start
    with pytest.raises((AttributeError, TypeError)):
        frozen.other = 1
    assert frozen.start == 1
    changed = changing()
    changed.counts = [3]
    assert changed.counts == [3]


def test_a_match_statement_takes_objects_apart() -> None:
    """Positional patterns follow the order of the fields that are given by place."""
    named = classes(records)[1]
    match named("a", (1,), start=1):
        case named(name, values):
            assert (name, values) == ("a", (1,))
        case _:
            pytest.fail("the pattern did not match")
