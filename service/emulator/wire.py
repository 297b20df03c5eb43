"""Reads request bodies as Halo's JSON reader does: case-insensitive names, numbers as text, typed errors.

A shape names the fields that Halo knows; every other field of a body is ignored without a word.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from service.emulator.refusals import malformed

Kind: TypeAlias = "Literal['int', 'float', 'bool', 'text', 'any'] | Mapping[str, Kind] | tuple[Mapping[str, Kind]]"
Shape: TypeAlias = Mapping[str, Kind]  # field -> scalar, nested object, or (object,) for an array of them

_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_FLOAT = re.compile(r"\s*[+-]?[0-9]{1,20}(\.[0-9]{1,20})?\s*")
_INT32 = range(-(2**31), 2**31)


def read_array(body: bytes, shape: Shape, *, accepts_bare_object: bool) -> list[dict[str, Any]]:
    """Return the known fields of each object of a JSON array."""
    text, value = _parse(body)
    if isinstance(value, dict) and accepts_bare_object:
        value = [value]
    if not isinstance(value, list):
        raise malformed({"": ["Cannot deserialize the current JSON value because the type requires a JSON array."]})
    reader = _Reader(text)
    objects = [reader.read_object(item, shape, f"[{index}]") for index, item in enumerate(value)]
    reader.finish()
    if not objects:
        raise malformed({"": ["A non-empty request body is required."]})
    return objects


def read_single(body: bytes, shape: Shape) -> dict[str, Any]:
    """Return the known fields of one JSON object."""
    text, value = _parse(body)
    reader = _Reader(text)
    result = reader.read_object(value, shape, "")
    reader.finish()
    return result


def read_query_number(name: str, text: str) -> int:
    """Return a whole number given in a query or a path."""
    if not _WHOLE.fullmatch(text) or int(text) not in _INT32:
        raise malformed({name: [f"The value '{text}' is not valid."]})
    return int(text)


def _parse(body: bytes) -> tuple[str, Any]:
    try:
        text = body.decode()
        value = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if "\\u" in text:
            # An escaped half of a surrogate pair is no text that can be sent back: it becomes U+FFFD.
            plain = json.dumps(value, ensure_ascii=False)
            value = json.loads(plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
        return text, value
    except (ValueError, RecursionError):
        raise malformed({"": ["Unexpected character encountered while parsing value."]}) from None


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(literal)
    return number


class _ConversionError(Exception):
    """A value that does not convert; the text is Halo's message without its place."""


class _Reader:
    """Converts the fields of one body and collects what does not convert."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._errors: dict[str, list[str]] = {}

    def finish(self) -> None:
        """Refuse the body when a value did not convert."""
        if self._errors:
            raise malformed(self._errors)

    def read_object(self, value: Any, shape: Shape, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._report(path, "", value, f"Error converting value {json.dumps(value)} to an object.")
            return {}
        result: dict[str, Any] = {}
        for name, item in value.items():
            field = name.lower()
            if field in shape:
                result[field] = self._read(item, shape[field], f"{path}.{field}" if path else field, name)
        return result

    def _read(self, value: Any, kind: Kind, path: str, name: str) -> Any:
        if value is None:
            return None
        if isinstance(kind, tuple):
            if not isinstance(value, list):
                self._report(path, name, value, f"Error converting value {json.dumps(value)} to an array.")
                return None
            return [self.read_object(item, kind[0], f"{path}[{n}]") for n, item in enumerate(value)]
        if isinstance(kind, Mapping):
            return self.read_object(value, kind, path)
        try:
            return _CONVERSIONS[kind](value)
        except _ConversionError as error:
            self._report(path, name, value, str(error))
            return None

    def _report(self, path: str, name: str, value: Any, message: str) -> None:
        # The place is that of the first such field with such a value; close enough to point at it.
        sought = re.compile(re.escape(json.dumps(name)) + r"\s*:\s*" + re.escape(json.dumps(value)))
        found = sought.search(self._text)
        end = found.end() if found else 0
        line = self._text.count("\n", 0, end) + 1
        position = end - (self._text.rfind("\n", 0, end) + 1)
        self._errors.setdefault(path, []).append(f"{message} Path '{path}', line {line}, position {position}.")


def _int(value: Any) -> int:
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value) or int(value) not in _INT32:
            raise _ConversionError(f"Could not convert string to integer: {value}.")
        return int(value)
    if isinstance(value, float):
        raise _ConversionError(f"Input string '{json.dumps(value)}' is not a valid integer.")
    if isinstance(value, bool) or not isinstance(value, int):
        raise _unexpected(value)
    if value not in _INT32:
        raise _ConversionError(f"JSON integer {value} is too large or small for an Int32.")
    return value


def _float(value: Any) -> float:
    if isinstance(value, str):
        if not _FLOAT.fullmatch(value):
            raise _ConversionError(f"Could not convert string to double: {value}.")
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _unexpected(value)
    return float(value)


def _bool(value: Any) -> bool:
    if isinstance(value, str):
        if value.strip().lower() not in {"true", "false"}:
            raise _ConversionError(f"Could not convert string to boolean: {value}.")
        return value.strip().lower() == "true"
    if not isinstance(value, (bool, int)):
        raise _unexpected(value)
    return bool(value)


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise _unexpected(value)
    return value if isinstance(value, str) else json.dumps(value)


def _any(value: Any) -> Any:
    return value


def _unexpected(value: Any) -> _ConversionError:
    return _ConversionError(f"Unexpected character encountered while parsing value: {json.dumps(value)[0]}.")


_CONVERSIONS = {"int": _int, "float": _float, "bool": _bool, "text": _text, "any": _any}
