"""The methods and fields of dates, times and time zones.

A moment without a zone is one in the zone of the ticket's arrival, where Python takes that of the computer.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import RESULT, MethodEntry
from dispatcher.lang.methods.entry import field, method, small
from dispatcher.lang.moment_text import strftime
from dispatcher.lang.values import type_name


def _strftime(meter: Meter, owner: Any, /, format: Any) -> str:  # noqa: A002 - the name in Python's messages
    if type(format) is not str:
        raise TypeError(f"strftime() argument 1 must be str, not {type_name(format)}")
    return strftime(meter, owner, format)


_EXTREMES = (
    field("min", "the smallest value of this type"),
    field("max", "the largest value of this type"),
    field("resolution", "the smallest difference between two values"),
)


DATE = (
    field("year", "the year"),
    field("month", "the month, from 1"),
    field("day", "the day of the month, from 1"),
    *_EXTREMES,
    small(date.ctime, "ctime()", "as 'Mon Mar  2 00:00:00 2026'"),
    small(date.isocalendar, "isocalendar()", "year, week and weekday, from 1 for Monday"),
    small(date.isoformat, "isoformat()", "as YYYY-MM-DD"),
    small(date.isoweekday, "isoweekday()", "1 for Monday to 7 for Sunday"),
    small(date.replace, "replace(year, month, day)", "with some parts replaced"),
    method("strftime", "strftime(format)", "as text by a format", _strftime, RESULT),
    small(date.toordinal, "toordinal()", "days since the year 1"),
    small(date.weekday, "weekday()", "0 for Monday to 6 for Sunday"),
)


_TIME_FIELDS = (
    field("hour", "the hour, 0 to 23"),
    field("minute", "the minute"),
    field("second", "the second"),
    field("microsecond", "the microsecond"),
    field("tzinfo", "the time zone, or None"),
    field("fold", "1 for the second of two equal times when clocks are put back"),
)


TIME = (
    *_TIME_FIELDS,
    *_EXTREMES,
    small(time.dst, "dst()", "how far daylight saving moves the clock, or None"),
    small(time.isoformat, "isoformat(timespec='auto')", "as HH:MM:SS"),
    small(time.replace, "replace(hour, minute, second, microsecond, tzinfo, *, fold)", "with some parts replaced"),
    method("strftime", "strftime(format)", "as text by a format", _strftime, RESULT),
    small(time.tzname, "tzname()", "the name of the time zone, or None"),
    small(time.utcoffset, "utcoffset()", "how far the zone is ahead of UTC, or None"),
)


def _zoned(meter: Meter, moment: datetime) -> datetime:
    return moment.replace(tzinfo=meter.now.tzinfo) if moment.tzinfo is None else moment


def _timestamp(meter: Meter, moment: datetime, /) -> float:
    meter.charge(5)
    return _zoned(meter, moment).timestamp()


def _astimezone(meter: Meter, moment: datetime, tz: Any = None) -> datetime:
    meter.charge(5)
    return _zoned(meter, moment).astimezone(meter.now.tzinfo if tz is None else tz)


DATETIME = (
    *(entry for entry in DATE if entry.name not in ("ctime", "isoformat", "replace")),
    *_TIME_FIELDS,
    method("astimezone", "astimezone(tz=None)", "the same moment in another time zone", _astimezone),
    small(datetime.ctime, "ctime()", "as 'Mon Mar  2 17:45:00 2026'"),
    small(datetime.date, "date()", "the date alone"),
    small(datetime.dst, "dst()", "how far daylight saving moves the clock, or None"),
    small(datetime.isoformat, "isoformat(sep='T', timespec='auto')", "as YYYY-MM-DDTHH:MM:SS"),
    small(
        datetime.replace,
        "replace(year, month, day, hour, minute, second, microsecond, tzinfo, *, fold)",
        "with some parts replaced",
    ),
    small(datetime.time, "time()", "the time alone, without its zone"),
    method("timestamp", "timestamp()", "seconds since 1970", _timestamp),
    small(datetime.timetz, "timetz()", "the time alone, with its zone"),
    small(datetime.tzname, "tzname()", "the name of the time zone, or None"),
    small(datetime.utcoffset, "utcoffset()", "how far the zone is ahead of UTC, or None"),
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
    *_EXTREMES,
    small(timedelta.total_seconds, "total_seconds()", "the whole length in seconds"),
)


def _zone(kind: type[timezone] | type[ZoneInfo]) -> tuple[MethodEntry, ...]:
    return (
        small(kind.dst, "dst(dt)", "how far daylight saving moves the clock then"),
        small(kind.fromutc, "fromutc(dt)", "a moment of UTC, with this zone, in this zone"),
        small(kind.tzname, "tzname(dt)", "the zone's name then"),
        small(kind.utcoffset, "utcoffset(dt)", "how far the zone is ahead of UTC then"),
    )


TIMEZONE = (
    field("min", "the zone farthest behind UTC"),
    field("max", "the zone farthest ahead of UTC"),
    field("utc", "UTC"),
    *_zone(timezone),
)
ZONE = (field("key", "the zone's name in the database"), *_zone(ZoneInfo))
