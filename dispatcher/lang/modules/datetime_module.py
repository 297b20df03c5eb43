"""`datetime`: Python's own types; the clock is the evaluation's, and its zone stands for that of the computer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, NoReturn

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.entries import CONSTANT, LENGTH, FunctionEntry
from dispatcher.lang.modules.entry import ModuleEntry, constant, function, with_members
from dispatcher.lang.moment_text import strptime
from dispatcher.lang.values import Implementation, TypeValue, type_name

LONGEST_ZONE = 64


def _plain(kernel: Callable[..., Any]) -> Implementation:
    def call(meter: Meter, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(3)
        for argument in arguments:
            if type(argument) is str:
                meter.charge(len(argument) >> 3)
        return kernel(*arguments, **named)

    return call


def _making(kind: type[date] | type[time]) -> Implementation:
    def make(meter: Meter, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(3)
        if arguments and type(arguments[0]) is str:
            # Python would take ten characters for a pickled moment, and believe that its parts are in range.
            raise TypeError("'str' object cannot be interpreted as an integer")
        return kind(*arguments, **named)

    return make


# --- the clock


def _now(meter: Meter, tz: Any = None) -> datetime:
    meter.charge(5)
    return meter.now.replace(tzinfo=None) if tz is None else meter.now.astimezone(tz)


def _utcnow(meter: Meter, /) -> datetime:
    return meter.now.astimezone(UTC).replace(tzinfo=None)


def _today(meter: Meter, /) -> date:
    return meter.now.date()


def _datetime_today(meter: Meter, /) -> datetime:
    return meter.now.replace(tzinfo=None)


def _fromtimestamp(meter: Meter, timestamp: Any, tz: Any = None) -> datetime:
    meter.charge(5)
    if tz is None:
        return datetime.fromtimestamp(timestamp, meter.now.tzinfo).replace(tzinfo=None)
    return datetime.fromtimestamp(timestamp, tz)


def _utcfromtimestamp(meter: Meter, timestamp: Any, /) -> datetime:
    meter.charge(5)
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)


def _date_fromtimestamp(meter: Meter, timestamp: Any, /) -> date:
    return _fromtimestamp(meter, timestamp).date()


def _strptime(meter: Meter, text: Any, format: Any, /) -> datetime:  # noqa: A002 - the name in Python's messages
    for position, argument in enumerate((text, format), 1):
        if type(argument) is not str:
            raise TypeError(f"strptime() argument {position} must be str, not {type_name(argument)}")
    return strptime(meter, text, format)


# --- types


def _timezone(meter: Meter, offset: Any, *name: Any, **named: Any) -> timezone:
    for value in (*name, *named.values()):
        if type(value) is str and len(value) > LONGEST_ZONE:
            # `%Z` repeats the name as often as a format asks for it.
            raise LimitExceeded(f"a time zone's name would be longer than {LONGEST_ZONE} characters")
    meter.charge(3)
    return timezone(offset, *name, **named)


def _tzinfo(_meter: Meter, /, *_arguments: Any, **_named: Any) -> NoReturn:
    raise TypeError("rules make time zones by `timezone` or `zoneinfo.ZoneInfo`")


def _made_by_isocalendar(_meter: Meter, /, *_arguments: Any, **_named: Any) -> NoReturn:
    raise TypeError("cannot create 'datetime.IsoCalendarDate' instances")


def _type(name: str, signature: str, doc: str, kind: type, implementation: Implementation) -> FunctionEntry:
    return FunctionEntry(name, signature, CONSTANT, doc, TypeValue(name, kind, implementation, module="datetime"))


def _line(signature: str, doc: str, kernel: Callable[..., Any], cost: str = CONSTANT) -> FunctionEntry:
    name = signature.partition("(")[0]
    return function(name, signature, cost, doc, _plain(kernel))


def _own(signature: str, doc: str, implementation: Implementation, cost: str = CONSTANT) -> FunctionEntry:
    return function(signature.partition("(")[0], signature, cost, doc, implementation)


def _extremes(kind: type[date] | type[time] | type[timedelta]) -> tuple[FunctionEntry, ...]:
    return (
        constant("min", "the smallest value", kind.min),
        constant("max", "the largest value", kind.max),
        constant("resolution", "the smallest difference between two values", kind.resolution),
    )


_DATE = with_members(
    _type("date", "date(year, month, day)", "a day", date, _making(date)),
    _line("fromisocalendar(year, week, day)", "the day of an ISO week", date.fromisocalendar),
    _line("fromisoformat(text)", "the day that a text such as 2026-03-02 names", date.fromisoformat, LENGTH),
    _line("fromordinal(number)", "the day that many days after the year 1 began", date.fromordinal),
    _own("fromtimestamp(timestamp)", "the day in the zone of the ticket's arrival", _date_fromtimestamp),
    _own("today()", "the day of the ticket's arrival", _today),
    *_extremes(date),
)
_TIME = with_members(
    _type(
        "time",
        "time(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0)",
        "a time of day",
        time,
        _making(time),
    ),
    _line("fromisoformat(text)", "the time that a text such as 17:45 names", time.fromisoformat, LENGTH),
    *_extremes(time),
)
_DATETIME = with_members(
    _type(
        "datetime",
        "datetime(year, month, day, hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0)",
        "a day with a time",
        datetime,
        _making(datetime),
    ),
    _line("combine(date, time, tzinfo=...)", "a day and a time together", datetime.combine),
    _line("fromisocalendar(year, week, day)", "the day of an ISO week, at midnight", datetime.fromisocalendar),
    _line("fromisoformat(text)", "the moment that a text in ISO 8601 names", datetime.fromisoformat, LENGTH),
    _line("fromordinal(number)", "the day that many days after the year 1 began", datetime.fromordinal),
    _own("fromtimestamp(timestamp, tz=None)", "a moment in a zone, or in that of the ticket's arrival", _fromtimestamp),
    _own("now(tz=None)", "when the ticket arrived", _now),
    _own("strptime(text, format)", "the moment that a text holds by a format", _strptime, LENGTH),
    _own("today()", "when the ticket arrived", _datetime_today),
    _own("utcfromtimestamp(timestamp)", "a moment in UTC, without a zone", _utcfromtimestamp),
    _own("utcnow()", "when the ticket arrived, in UTC, without a zone", _utcnow),
    *_extremes(datetime),
)
_TIMEDELTA = with_members(
    _type(
        "timedelta",
        "timedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)",
        "a length of time",
        timedelta,
        _plain(timedelta),
    ),
    *_extremes(timedelta),
)
_TIMEZONE = with_members(
    _type("timezone", "timezone(offset, name=...)", "a zone that is always so far ahead of UTC", timezone, _timezone),
    constant("utc", "UTC", UTC),
    constant("min", "the zone farthest behind UTC", timezone.min),
    constant("max", "the zone farthest ahead of UTC", timezone.max),
)

# Rules meet this type without a name for it.
TypeValue("IsoCalendarDate", type(date.min.isocalendar()), _made_by_isocalendar, module="datetime")

DATETIME = ModuleEntry(
    "datetime",
    "dates, times and time zones",
    (
        constant("MAXYEAR", "9999", MAXYEAR),
        constant("MINYEAR", "1", MINYEAR),
        constant("UTC", "UTC", UTC),
        *_DATE,
        *_DATETIME,
        *_TIME,
        *_TIMEDELTA,
        *_TIMEZONE,
        _type("tzinfo", "tzinfo", "the type of all time zones", tzinfo, _tzinfo),
    ),
)
