"""Log lines: the event, then its facts, for people as `name=value` or for programs as one JSON object.

What is logged above debug names no person, and nothing that is logged holds a secret. That is so for our own lines
only, so what libraries have to say at debug is never written.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any, Final

OURS: Final = ("dispatcher", "service")
# They log addresses, and those of look-ups hold users' e-mail addresses.
_TELL_ADDRESSES: Final = ("httpx", "httpcore")

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class FactsFormatter(logging.Formatter):
    """Time, level, logger, event, and what was given as `extra`; a traceback follows, indented.

    A line that does not begin with a blank begins a record, whatever text came from outside.
    """

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_time(record)} {record.levelname} {record.name}: {_on_one_line(record.getMessage())}"
        line = " ".join([head, *(f"{name}={_quoted(value)}" for name, value in _facts(record).items())])
        # Each of these characters begins a line for one reader of logs or another.
        return "\n    ".join([line, *_traceback(self, record).splitlines()])


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, the facts by their names, and a traceback as `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        usual = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        traceback = _traceback(self, record)
        return json.dumps(usual | _facts(record) | ({"exception": traceback} if traceback else {}), default=str)


def configure(level: str = "info", style: str = "text") -> None:
    """Send the log to standard error: our own lines from `level` on, of libraries what is not for debugging.

    `style` is "text" or "json".
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if style == "json" else FactsFormatter())
    wanted = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(wanted, logging.INFO), handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(wanted)
    for name in _TELL_ADDRESSES:
        logging.getLogger(name).setLevel(max(wanted, logging.WARNING))


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _USUAL}


def _time(record: logging.LogRecord) -> str:
    """Return the record's time in UTC, so that the logs of several machines can be put together."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts)


def _quoted(value: object) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() and text and " " not in text else json.dumps(text)


def _on_one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)[1:-1]
