"""Log lines: the event, then its facts as `name=value`, for people and for programs that read logs."""

from __future__ import annotations

import json
import logging

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class FactsFormatter(logging.Formatter):
    """Time, level, logger, event, and what was given as `extra`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        facts = {name: value for name, value in vars(record).items() if name not in _USUAL}
        return " ".join([super().formatMessage(record), *(f"{name}={_quoted(value)}" for name, value in facts.items())])


def _quoted(value: object) -> str:
    text = str(value)
    # Whatever comes from outside stays on its line.
    return text if text.isascii() and text.isprintable() and " " not in text else json.dumps(text)


def configure() -> None:
    """Send the log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(FactsFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # It logs addresses, and those of look-ups hold users' e-mail addresses.
    logging.getLogger("httpx").setLevel(logging.WARNING)
