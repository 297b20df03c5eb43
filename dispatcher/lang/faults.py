"""Faults: where in a rule an exception or a limit ended it, read from Python's traceback."""

from __future__ import annotations

from types import CodeType, TracebackType
from typing import Literal

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.exceptions import as_python_has_it, limit_text
from dispatcher.lang.formatting import text_of
from dispatcher.lang.program import STATEMENT, TOP_FUNCTION, Program
from dispatcher.lang.records import dataclass

MAX_MESSAGE = 500
# What showing an exception may take.
MESSAGE_LIMITS = Limits(steps=2_000)


@dataclass(frozen=True, slots=True)
class EvaluationFault:
    """An exception or a limit that ended a top-level statement, with the place where it happened."""

    program: int
    statement: int
    kind: Literal["error", "limit"]
    type: str
    message: str
    line: int
    column: int
    # Whether the statement may have bound a name before.
    after_effect: bool


class Places:
    """Reads from tracebacks where a program failed. Keeps what it looked up, since rules may fail by the thousand."""

    def __init__(self, number: int, program: Program) -> None:
        self.program = program
        self.number = number
        self._positions: dict[int, list[tuple[int | None, int | None, int | None, int | None]]] = {}

    def fault(self, error: BaseException, statement: int | None = None) -> EvaluationFault:
        """Return the fault of a statement, or of that to which the traceback leads where the file is one function."""
        program = self.program
        line = column = top_line = top_column = 1
        # The statement whose code failed, which another one may have called.
        maker = statement
        step: TracebackType | None = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            is_own, own = self._told_by(code.co_filename)
            if is_own and step.tb_frame.f_globals.get("__builtins__") == {}:
                line, column = self._position(code, step.tb_lasti)
                maker = int(own) if own else statement
                if code.co_name == TOP_FUNCTION:
                    top_line, top_column = line, column
            step = step.tb_next
        if statement is None:
            statement = program.statement_at(top_line, top_column)
        elif maker is not None:
            line, column = program.position(maker, line, column)
        effect = program.shapes[statement].effect if program.shapes else None
        limited = isinstance(error, LimitExceeded) or type(error) in (RecursionError, MemoryError)
        shown = as_python_has_it(error)
        return EvaluationFault(
            program=self.number,
            statement=statement,
            kind="limit" if limited else "error",
            type="LimitExceeded" if limited else type(shown).__name__,
            message=_message(shown),
            line=line,
            column=column,
            after_effect=effect is not None and (top_line, top_column) >= effect,
        )

    def _told_by(self, filename: str) -> tuple[bool, str]:
        """Tell from the name of a code's file whether it is the program's, and of which statement, if that is in it."""
        known = self.program.filename
        if filename == known:
            return True, ""
        own = filename.removeprefix(known + STATEMENT)
        return own != filename and own.isdecimal(), own

    def _position(self, code: CodeType, instruction: int) -> tuple[int, int]:
        positions = self._positions.get(id(code))
        if positions is None:
            positions = self._positions[id(code)] = list(code.co_positions())
        line, _, column, _ = positions[instruction // 2]
        return line or code.co_firstlineno, (column or 0) + 1


def _message(error: BaseException) -> str:
    if isinstance(error, LimitExceeded):
        return str(error)
    if type(error) in (RecursionError, MemoryError):
        return limit_text(error)
    # What a rule puts into an exception may be of any size and depth.
    try:
        text = text_of(Meter(MESSAGE_LIMITS), error)
    except (Exception, LimitExceeded):  # noqa: BLE001 - whatever it is, it cannot be shown
        return "what the exception holds cannot be shown"
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + "..."
