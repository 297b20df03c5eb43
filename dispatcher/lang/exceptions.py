"""Exceptions as rules see them: the types that they may name, what `except` catches, what `raise` takes.

An exception of a rule is one of Python's own, so that `except` chooses as in Python. Three things are never caught:
LimitExceeded, which no name of a rule reaches; Python's own RecursionError and MemoryError, which depend on the state
of this process and become LimitExceeded; and Python's own SystemExit, KeyboardInterrupt and GeneratorExit, which mean
this process. Where a rule names or makes one of those, it gets a class of ours with that name.
"""

from __future__ import annotations

import builtins
import sys
from types import FrameType
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.program import RENAMED, TOP_FUNCTION
from dispatcher.lang.values import TypeValue

# Steps that raising and catching take.
RAISE_COST = 10

# Of these, a rule makes a class of ours; Python raises the others itself where a rule makes a mistake.
_OF_THE_PROCESS = ("BaseException", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "RecursionError", "MemoryError")
_NAMES = (
    *_OF_THE_PROCESS,
    "Exception",
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BufferError",
    "EOFError",
    "FloatingPointError",
    "ImportError",
    "IndentationError",
    "IndexError",
    "KeyError",
    "LookupError",
    "ModuleNotFoundError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "ReferenceError",
    "RuntimeError",
    "StopAsyncIteration",
    "StopIteration",
    "SyntaxError",
    "SystemError",
    "TabError",
    "TimeoutError",
    "TypeError",
    "UnboundLocalError",
    "UnicodeError",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
)


# The classes of ours that a rule makes values of.
_OURS: dict[str, type[BaseException]] = {
    name: type(name, (getattr(builtins, name),), {"__slots__": (), "__module__": "builtins"})
    for name in _OF_THE_PROCESS
}


def exception_type(kind: type[BaseException], module: str = "") -> TypeValue:
    """Return the value by which rules name an exception type."""
    made = _OURS.get(kind.__name__, kind)

    def make(meter: Meter, /, *arguments: Any) -> BaseException:
        meter.charge(RAISE_COST)
        return made(*arguments)

    return TypeValue(kind.__name__, kind, make, module=module)


EXCEPTIONS: dict[str, TypeValue] = {name: exception_type(getattr(builtins, name)) for name in sorted(_NAMES)}

# What `except` of a rule can get to see.
CATCHABLE: tuple[type[BaseException], ...] = (
    Exception,
    *_OURS.values(),
)


def raised(meter: Meter, value: Any, cause: Any = None) -> BaseException:
    """Return what `raise value from cause` raises; the cause is checked and dropped, since no rule can read it."""
    meter.charge(RAISE_COST)
    error = _instance(meter, value, "exceptions must derive from BaseException")
    if cause is not None:
        _instance(meter, cause, "exception causes must derive from BaseException")
    return error


def _instance(meter: Meter, value: Any, otherwise: str) -> BaseException:
    if isinstance(value, BaseException):
        return value
    if type(value) is TypeValue and issubclass(value.python_type, BaseException):
        made: BaseException = value.implementation(meter)
        return made
    raise TypeError(otherwise)


def caught(meter: Meter, error: BaseException) -> BaseException:
    """Return the exception that a handler gets; raise LimitExceeded for those that stand for a limit."""
    meter.charge(RAISE_COST)
    if type(error) in (RecursionError, MemoryError):
        raise LimitExceeded(limit_text(error))
    # What was handled before hangs on it, and on that what was handled before that.
    error.__context__ = None
    return as_python_has_it(error)


def limit_text(error: BaseException) -> str:
    """Return what a RecursionError or MemoryError of Python's own means to the author of a rule."""
    if isinstance(error, RecursionError):
        return "functions call each other too deep, or a value nests too deep"
    return "a value would take too much memory"


def as_python_has_it(error: BaseException) -> BaseException:
    """Return the error that CPython would raise.

    The variables of a file are locals of ours, where Python's are globals: a name that a function reads from the file,
    or that the file itself reads, fails with Python's plain NameError.
    """
    if not isinstance(error, NameError) or not str(error).startswith("cannot access "):
        return error
    _, _, rest = str(error).partition("'")
    name, quote, _ = rest.partition("'")
    if not quote or not _is_files(name, error):
        return error
    plain = NameError(f"name '{name.removesuffix(RENAMED)}' is not defined")
    plain.__traceback__ = error.__traceback__
    return plain


def _is_files(name: str, error: NameError) -> bool:
    """Tell whether `name`, which is unbound, is a variable of the file."""
    frames = []
    step = error.__traceback__
    while step is not None:
        frames.append(step.tb_frame)
        step = step.tb_next
    if type(error) is UnboundLocalError:
        return frames[-1].f_code.co_name == TOP_FUNCTION
    # A handler gets the frames from its own inwards; the file's is outside of those.
    outside: FrameType | None = frames[0]
    while outside is not None:
        frames.append(outside)
        outside = outside.f_back
    return any(frame.f_code.co_name == TOP_FUNCTION and name in frame.f_code.co_cellvars for frame in frames)


def undefined(meter: Meter, name: str) -> BaseException:
    """Return what `del` of a name raises that is not set."""
    meter.charge(RAISE_COST)
    return NameError(f"name '{name}' is not defined")


def matches(meter: Meter, error: BaseException, kinds: Any) -> bool:
    """Tell whether `except kinds` catches `error`."""
    candidates = kinds if type(kinds) is tuple else (kinds,)
    meter.charge(1 + len(candidates))
    found = False
    for kind in candidates:
        if type(kind) is not TypeValue or not issubclass(kind.python_type, BaseException):
            raise TypeError("catching classes that do not inherit from BaseException is not allowed")
        found = found or isinstance(error, kind.python_type)
    return found


def handling(meter: Meter) -> None:
    """Raise RuntimeError where no handler runs, so that `raise` alone has nothing to raise again."""
    if sys.exception() in (None, meter.outside):
        raise RuntimeError("No active exception to reraise")


def assertion(meter: Meter, *message: Any) -> BaseException:
    """Return what a failed `assert` raises."""
    meter.charge(RAISE_COST)
    return AssertionError(*message)


def goes_on(meter: Meter) -> bool:
    """Tell in a `finally` whether the rule may run on: not when it ended for good."""
    error = sys.exception()
    if error in (None, meter.outside):
        return True
    return isinstance(error, CATCHABLE) and type(error) not in (RecursionError, MemoryError)


def error_text(text: str) -> str:
    """Return the text of an exception without the name of the function that a file becomes."""
    return text.replace(_FILE_SCOPE, "") if _FILE_SCOPE in text else text


_FILE_SCOPE = f"{TOP_FUNCTION}.<locals>."
