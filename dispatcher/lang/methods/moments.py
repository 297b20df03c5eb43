"""The methods and fields of numbers, dates and times."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import charge_moment_format
from dispatcher.lang.methods.entry import field, method, small
from dispatcher.lang.values import type_name

INT = (
    small(int.bit_length, "bit_length()", "how many bits the number has"),
    small(int.bit_count, "bit_count()", "how many bits are 1"),
)


FLOAT = (small(float.is_integer, "is_integer()", "True when there is no fraction"),)


def _strftime(meter: Meter, owner: Any, spec: Any, /) -> str:
    if type(spec) is not str:
        raise TypeError(f"strftime() argument 1 must be str, not {type_name(spec)}")
    charge_moment_format(meter, spec)
    return str(owner.strftime(spec))


DATE = (
    field("year", "the year"),
    field("month", "the month, from 1"),
    field("day", "the day of the month, from 1"),
    small(date.weekday, "weekday()", "0 for Monday to 6 for Sunday"),
    small(date.isoweekday, "isoweekday()", "1 for Monday to 7 for Sunday"),
    small(date.isoformat, "isoformat()", "as YYYY-MM-DD"),
    small(date.isocalendar, "isocalendar()", "year, week and weekday, from 1 for Monday"),
    small(date.toordinal, "toordinal()", "days since the year 1"),
    small(date.replace, "replace(year, month, day)", "with some parts replaced"),
    method("strftime", "strftime(format)", "as text by a format", _strftime),
)


_TIME_FIELDS = (
    field("hour", "the hour, 0 to 23"),
    field("minute", "the minute"),
    field("second", "the second"),
    field("microsecond", "the microsecond"),
    field("tzinfo", "the time zone, or None"),
)


TIME = (
    *_TIME_FIELDS,
    small(time.isoformat, "isoformat(timespec='auto')", "as HH:MM:SS"),
    small(time.replace, "replace(hour, minute, second)", "with some parts replaced"),
    method("strftime", "strftime(format)", "as text by a format", _strftime),
)


def _zoned(meter: Meter, moment: datetime) -> datetime:
    """Return the moment in the zone of the ticket's arrival, where it names none: not in that of this computer."""
    return moment.replace(tzinfo=meter.now.tzinfo) if moment.tzinfo is None else moment


def _timestamp(meter: Meter, moment: datetime, /) -> float:
    meter.charge(1)
    return _zoned(meter, moment).timestamp()


def _astimezone(meter: Meter, moment: datetime, tz: Any = None) -> datetime:
    meter.charge(1)
    return _zoned(meter, moment).astimezone(meter.now.tzinfo if tz is None else tz)


DATETIME = (
    *(entry for entry in DATE if entry.name not in ("isoformat", "replace")),
    *_TIME_FIELDS,
    small(datetime.isoformat, "isoformat(sep='T', timespec='auto')", "as YYYY-MM-DDTHH:MM:SS"),
    small(datetime.replace, "replace(year, month, ..., tzinfo)", "with some parts replaced"),
    small(datetime.date, "date()", "the date alone"),
    small(datetime.time, "time()", "the time alone"),
    method("timestamp", "timestamp()", "seconds since 1970", _timestamp),
    method("astimezone", "astimezone(tz)", "the same moment in another time zone", _astimezone),
)


ISO_CALENDAR = (
    field("year", "the year that the week belongs to"),
    field("week", "the week, from 1"),
    field("weekday", "1 for Monday to 7 for Sunday"),
)
TIMEDELTA = (
    field("days", "whole days"),
    field("seconds", "seconds beside the days"),
    field("microseconds", "microseconds beside the seconds"),
    small(timedelta.total_seconds, "total_seconds()", "the whole length in seconds"),
)
