"""`json`: values as text and back. Files, and classes to derive from, are left out."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, LENGTH, RESULT, FunctionEntry
from dispatcher.lang.formatting import text_of
from dispatcher.lang.json_text import JsonWriter, read_json
from dispatcher.lang.modules.entry import ModuleEntry, function
from dispatcher.lang.modules.places import charge_place
from dispatcher.lang.values import TypeValue, type_name


def _dumps(
    meter: Meter,
    obj: Any,
    *,
    skipkeys: Any = False,
    ensure_ascii: Any = True,
    check_circular: Any = True,
    allow_nan: Any = True,
    indent: Any = None,
    separators: Any = None,
    default: Any = None,
    sort_keys: Any = False,
) -> str:
    meter.charge(40)
    writer = JsonWriter(
        meter,
        skipkeys=skipkeys,
        ensure_ascii=ensure_ascii,
        check_circular=check_circular,
        allow_nan=allow_nan,
        indent=indent,
        separators=separators,
        default=default,
        sort_keys=sort_keys,
    )
    return writer.written(obj)


def _loads(
    meter: Meter,
    s: Any,
    *,
    object_hook: Any = None,
    parse_float: Any = None,
    parse_int: Any = None,
    parse_constant: Any = None,
    object_pairs_hook: Any = None,
    strict: Any = True,
) -> Any:
    meter.charge(40)
    if type(s) is not str:
        raise TypeError(f"the JSON object must be str, bytes or bytearray, not {type_name(s)}")
    if s.startswith("\ufeff"):
        raise JSONDecodeError("Unexpected UTF-8 BOM (decode using utf-8-sig)", s, 0)
    return read_json(
        meter,
        s,
        object_hook=object_hook,
        object_pairs_hook=object_pairs_hook,
        parse_float=parse_float,
        parse_int=parse_int,
        parse_constant=parse_constant,
        strict=strict,
    )


def _error(meter: Meter, msg: Any, doc: Any, pos: Any) -> JSONDecodeError:
    charge_place(meter, doc)
    # Python makes a text of the message.
    return JSONDecodeError(text_of(meter, msg), doc, pos)


_WRITE_OPTIONS = (
    "skipkeys=False, ensure_ascii=True, check_circular=True, allow_nan=True, "
    "indent=None, separators=None, default=None, sort_keys=False"
)
_READ_OPTIONS = (
    "object_hook=None, parse_float=None, parse_int=None, parse_constant=None, object_pairs_hook=None, strict=True"
)

JSON = ModuleEntry(
    "json",
    "values as text that other programs read",
    (
        function("dumps", f"dumps(obj, *, {_WRITE_OPTIONS})", RESULT, "the value as JSON", _dumps),
        function("loads", f"loads(s, *, {_READ_OPTIONS})", LENGTH, "the value that JSON text holds", _loads),
        FunctionEntry(
            "JSONDecodeError",
            "JSONDecodeError(msg, doc, pos)",
            CONSTANT,
            "raised for what is no JSON; has `msg`, `doc`, `pos`, `lineno` and `colno`",
            TypeValue("JSONDecodeError", JSONDecodeError, _error, module="json.decoder"),
        ),
    ),
)
