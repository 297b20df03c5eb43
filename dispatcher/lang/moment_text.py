"""Dates and times as text by a format, and back: `strftime` and `strptime` as CPython has them on Linux.

Our own, because Python's ask the locale, the time zone and the C library of the computer, and because a width may ask
for a text of any length. Names are those of the C locale; `%s` counts in the computer's time zone and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.regex import compile_pattern

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Steps for each directive.
_DIRECTIVE_COST = 25
_LONGEST_ECHO = 100
_IGNORE_CASE = int(re.IGNORECASE)

# --- moments as text

_PAIR = re.compile("%.", re.DOTALL)
_DIRECTIVE = re.compile(r"%(?P<flags>[-_0^#]*)(?P<width>[0-9]*)(?P<modifier>[EO]?)(?P<letter>.?)", re.DOTALL)

# The value, with how many digits at least, and what fills them up.
_NUMBERS: dict[str, tuple[Callable[[datetime], int], int, str]] = {
    "C": (lambda moment: moment.year // 100, 1, "0"),
    "d": (lambda moment: moment.day, 2, "0"),
    "e": (lambda moment: moment.day, 2, " "),
    "g": (lambda moment: moment.isocalendar().year % 100, 2, "0"),
    "G": (lambda moment: moment.isocalendar().year, 1, "0"),
    "H": (lambda moment: moment.hour, 2, "0"),
    "I": (lambda moment: moment.hour % 12 or 12, 2, "0"),
    "j": (lambda moment: _day_of_year(moment), 3, "0"),
    "k": (lambda moment: moment.hour, 2, " "),
    "l": (lambda moment: moment.hour % 12 or 12, 2, " "),
    "m": (lambda moment: moment.month, 2, "0"),
    "M": (lambda moment: moment.minute, 2, "0"),
    "S": (lambda moment: moment.second, 2, "0"),
    "u": (lambda moment: moment.isoweekday(), 1, "0"),
    "U": (lambda moment: (_day_of_year(moment) + 6 - moment.isoweekday() % 7) // 7, 2, "0"),
    "V": (lambda moment: moment.isocalendar().week, 2, "0"),
    "w": (lambda moment: moment.isoweekday() % 7, 1, "0"),
    "W": (lambda moment: (_day_of_year(moment) + 6 - moment.weekday()) // 7, 2, "0"),
    "y": (lambda moment: moment.year % 100, 2, "0"),
    "Y": (lambda moment: moment.year, 1, "0"),
}
_TEXTS: dict[str, Callable[[datetime], str]] = {
    "a": lambda moment: WEEKDAYS[moment.weekday()][:3],
    "A": lambda moment: WEEKDAYS[moment.weekday()],
    "b": lambda moment: MONTHS[moment.month - 1][:3],
    "B": lambda moment: MONTHS[moment.month - 1],
    "h": lambda moment: MONTHS[moment.month - 1][:3],
    "n": lambda _: "\n",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "P": lambda moment: "am" if moment.hour < 12 else "pm",
    "t": lambda _: "\t",
    # The C library is told no time zone.
    "Z": lambda _: "",
    "%": lambda _: "%",
}
_COMBINED = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
}
# Letters with which a modifier means nothing.
_UNMODIFIED = {"": "", "E": "aAbBdDeFgGhHIjklmMSUVwW", "O": "aAcDFxXY"}


def _day_of_year(moment: date) -> int:
    return moment.toordinal() - date(moment.year, 1, 1).toordinal() + 1


def strftime(meter: Meter, value: date | time, spec: str) -> str:
    """Return a date or time as text by a format."""
    # Python hands the format to the C library, which ends it at a NUL.
    spec = spec.encode().partition(b"\0")[0].decode()
    # Some letters stand for up to seven others.
    directives = spec.count("%") + 7 * sum(map(spec.count, _COMBINED))
    meter.charge(2 + (len(spec) >> 3) + _DIRECTIVE_COST * directives)
    length = len(spec) + 80 * spec.count("%")
    for width in re.findall(r"[0-9]+", spec):
        if len(width) > 9:
            raise LimitExceeded(f"a text would be longer than {meter.limits.text:,} characters")
        length += int(width)
    charged = meter.text(length)
    if isinstance(value, time):
        moment = datetime.combine(date(1900, 1, 1), value)
    else:
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())

    # Python fills in three letters itself, and hands what comes out to the C library.
    spec = _PAIR.sub(lambda found: _ZONED[found.group()](value) if found.group() in _ZONED else found.group(), spec)
    return meter.made_text(_DIRECTIVE.sub(lambda found: _directive(moment, found), spec), charged)


def _directive(moment: datetime, found: re.Match[str]) -> str:
    flags, width, modifier, letter = found.groups()
    padding = re.sub(r"[\^#]", "", flags)[-1:]
    fill = "0" if padding == "0" else " "
    wanted = int(width or 0)
    if letter == "s":
        raise ValueError("`%s` counts in the time zone of this computer; use `timestamp()`")
    if letter == "z":
        return ""
    unknown = not letter or letter in _UNMODIFIED[modifier]
    upper = "^" in flags or ("#" in flags and letter in ("bBh" if unknown else "aAbBh"))
    if unknown:
        text = found.group()
    elif letter in _NUMBERS:
        value, digits, default = _NUMBERS[letter]
        text = str(value(moment))
        if padding != "-":
            text = text.rjust(max(digits, wanted), {"": default, "_": " ", "0": "0"}[padding])
        return text.rjust(wanted)
    elif letter in _COMBINED:
        text = _DIRECTIVE.sub(lambda part: _directive(moment, part), _COMBINED[letter])
    else:
        text = _TEXTS[letter](moment) if letter in _TEXTS else found.group()
    if letter == "p" and "#" in flags:
        text = text.lower()
    elif upper and letter != "P":
        text = text.upper()
    return text.rjust(wanted, fill)


def _offset(value: Any) -> str:
    offset = value.utcoffset() if isinstance(value, datetime | time) else None
    if offset is None:
        return ""
    sign, offset = ("-", -offset) if offset < timedelta() else ("+", offset)
    minutes, seconds = divmod(offset, timedelta(minutes=1))
    text = f"{sign}{minutes // 60:02}{minutes % 60:02}"
    if seconds:
        text += f"{seconds.seconds:02}"
    return text + (f".{seconds.microseconds:06}" if seconds.microseconds else "")


def _zone_name(value: Any) -> str:
    name = (value.tzname() or "") if isinstance(value, datetime | time) else ""
    return name.replace("%", "%%")


# From the value as it was given.
_ZONED: dict[str, Callable[[Any], str]] = {
    "%f": lambda value: f"{getattr(value, 'microsecond', 0):06}",
    "%z": _offset,
    "%Z": _zone_name,
}

# --- text as moments


def _names(names: tuple[str, ...]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


_SHORT_WEEKDAYS = tuple(name[:3] for name in WEEKDAYS)
_SHORT_MONTHS = tuple(name[:3] for name in MONTHS)
# What each directive takes, the longer before the shorter.
_TAKES = {
    "a": _names(_SHORT_WEEKDAYS),
    "A": _names(WEEKDAYS),
    "b": _names(_SHORT_MONTHS),
    "B": _names(MONTHS),
    "d": r"3[01]|[12]\d|0?[1-9]| [1-9]",
    "f": r"[0-9]{1,6}",
    "G": r"\d{4}",
    "H": r"2[0-3]|[01]\d|\d",
    "I": r"1[0-2]|0?[1-9]",
    "j": r"36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0?[1-9]",
    "m": r"1[0-2]|0?[1-9]",
    "M": r"[0-5]\d|\d",
    "p": "am|pm",
    "S": r"6[01]|[0-5]\d|\d",
    "u": "[1-7]",
    "U": r"5[0-3]|[0-4]\d|\d",
    "V": r"5[0-3]|0[1-9]|[1-4]\d|\d",
    "w": "[0-6]",
    "W": r"5[0-3]|[0-4]\d|\d",
    "y": r"\d\d",
    "Y": r"\d{4}",
    "z": r"[+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|(?-i:Z)",
    # The zones that every computer knows; those of this one are not for rules.
    "Z": "utc|gmt",
}
_TAKES_COMBINED = {"c": "%a %b %d %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S"}
_SPECIAL = re.compile(r"[\\.^$*+?(){}\[\]|]")


def strptime(meter: Meter, text: str, spec: str) -> datetime:
    """Return the date and time that a text holds by a format; raise ValueError when it holds none."""
    meter.charge(100 + (len(spec) >> 1))
    meter.text(len(spec))
    pattern = compile_pattern(meter, _as_pattern(spec), _IGNORE_CASE)
    found = pattern.match(meter, text)
    if found is None:
        raise ValueError(f"time data {_echo(text)!r} does not match format {_echo(spec)!r}")
    if found.end() != len(text):
        raise ValueError(f"unconverted data remains: {_echo(text[found.end() : found.end() + _LONGEST_ECHO + 1])}")
    return _Reading(found.groupdict()).moment()


def _echo(text: str) -> str:
    return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}..."


def _as_pattern(spec: str) -> str:
    """Return the regular expression for a format: white space stands for any white space."""
    literal = re.sub(r"\s+", r"\\s+", _SPECIAL.sub(r"\\\g<0>", spec))
    pieces = literal.split("%")
    pattern = [pieces[0]]
    position = 1
    while position < len(pieces):
        piece = pieces[position]
        if not piece and position + 1 < len(pieces):
            # Two in a row stand for one.
            pattern += ["%", pieces[position + 1]]
            position += 2
            continue
        if not piece:
            raise ValueError(f"stray % in format '{_echo(spec)}'")
        pattern += [_takes(piece[0], spec), piece[1:]]
        position += 1
    return "".join(pattern)


def _takes(letter: str, spec: str) -> str:
    if letter in _TAKES_COMBINED:
        return _as_pattern(_TAKES_COMBINED[letter])
    if letter not in _TAKES:
        shown = "%" if letter == "\\" else letter
        raise ValueError(f"'{shown}' is a bad directive in format '{_echo(spec)}'")
    return f"(?P<{letter}>{_TAKES[letter]})"


class _Reading:
    """What the directives of one format took, by letter and in order."""

    __slots__ = ("_parts",)

    def __init__(self, parts: dict[str, Any]) -> None:
        self._parts: dict[str, str] = parts

    def moment(self) -> datetime:
        """Return the moment; raise ValueError where the parts contradict each other."""
        day = self._day()
        # The leap seconds that `%S` takes are refused here, as Python refuses them.
        clock = time(self._hour(), self._number("M"), self._number("S"), self._fraction())
        return datetime.combine(day, clock, self._zone() if "z" in self._parts else None)

    def _number(self, letter: str, default: int = 0) -> int:
        return int(self._parts[letter]) if letter in self._parts else default

    def _fraction(self) -> int:
        return int(self._parts.get("f", "").ljust(6, "0"))

    def _last(self, letters: str) -> str | None:
        """Return which of `letters` stands last in the format; the last one counts."""
        given = [letter for letter in self._parts if letter in letters]
        return given[-1] if given else None

    def _hour(self) -> int:
        letter = self._last("HI")
        hour = self._number(letter) if letter else 0
        if letter != "I":
            return hour
        return hour % 12 + (12 if self._parts.get("p", "").lower() == "pm" else 0)

    def _year(self) -> int | None:
        letter = self._last("yY")
        if letter is None:
            return None
        year = self._number(letter)
        # As POSIX has it.
        return year if letter == "Y" else year + (2000 if year <= 68 else 1900)

    def _month(self) -> int:
        letter = self._last("mbB")
        if letter is None or letter == "m":
            return self._number("m", 1)
        return _index(_SHORT_MONTHS if letter == "b" else MONTHS, self._parts[letter]) + 1

    def _weekday(self) -> int | None:
        letter = self._last("aAwu")
        match letter:
            case None:
                return None
            case "w":
                return (self._number("w") - 1) % 7
            case "u":
                return self._number("u") - 1
            case _:
                return _index(_SHORT_WEEKDAYS if letter == "a" else WEEKDAYS, self._parts[letter])

    def _day(self) -> date:
        year, weekday = self._year(), self._weekday()
        iso_week = self._names_iso_week(year, weekday)
        month, day = self._month(), self._number("d", 1)
        # February 29 alone is looked at in a leap year, and refused in the end.
        leap = year is None and (month, day) == (2, 29)
        if year is None:
            year = 1904 if leap else 1900
        ordinal = self._ordinal(year, weekday, iso_week=iso_week)
        found = date(year, month, day) if ordinal is None else date.fromordinal(ordinal)
        return found.replace(year=1900) if leap else found

    def _names_iso_week(self, year: int | None, weekday: int | None) -> bool:
        """Tell whether the parts name an ISO week; raise ValueError where they do by halves."""
        needs = "and a weekday directive ('%A', '%a', '%w', or '%u')"
        if year is None and "G" in self._parts:
            if "V" not in self._parts or weekday is None:
                raise ValueError(f"ISO year directive '%G' must be used with the ISO week directive '%V' {needs}")
            if "j" in self._parts:
                raise ValueError("Day of the year directive '%j' is not compatible with ISO year directive '%G'")
            return True
        if "V" in self._parts and self._last("UW") is None:
            if weekday is None:
                raise ValueError(f"ISO week directive '%V' must be used with the ISO year directive '%G' {needs}")
            raise ValueError("ISO week directive '%V' is incompatible with the year directive '%Y'. Use '%G' instead.")
        return False

    def _ordinal(self, year: int, weekday: int | None, *, iso_week: bool) -> int | None:
        first = date(year, 1, 1)
        if "j" in self._parts:
            return first.toordinal() + self._number("j") - 1
        letter = self._last("UW")
        if weekday is None:
            return None
        if letter is not None:
            # Weeks begin on Sunday or Monday; week 1 with the first such day of the year.
            shift = 1 if letter == "U" else 0
            start = (first.weekday() + shift) % 7
            week = self._number(letter)
            if start == 0:
                # There is no week 0 then, and it means the first one.
                week = max(week - 1, 0)
            return first.toordinal() + (weekday + shift) % 7 + 7 * week - start
        if iso_week:
            # A week that the year does not have is one of the next year.
            in_first = date(self._number("G"), 1, 4)
            return in_first.toordinal() - in_first.weekday() + 7 * (self._number("V") - 1) + weekday
        return None

    def _zone(self) -> timezone:
        text = self._parts["z"]
        if text == "Z":
            offset = timedelta()
        else:
            digits = text[1:3] + text[3:].removeprefix(":")
            if text[3] == ":" and digits[4:5] not in ("", ":"):
                raise ValueError(f"Inconsistent use of : in {text}")
            if text[3] != ":" and digits[4:5] == ":":
                raise ValueError(f"invalid literal for int() with base 10: {digits[4:6]!r}")
            digits = digits[:4] + digits[4:].removeprefix(":")
            whole, _, fraction = digits.partition(".")
            offset = timedelta(
                hours=int(whole[:2]),
                minutes=int(whole[2:4]),
                seconds=int(whole[4:] or 0),
                microseconds=int(fraction.ljust(6, "0")),
            )
            offset = -offset if text[0] == "-" else offset
        name = self._parts.get("Z")
        return timezone(offset, name) if name else timezone(offset)


def _index(names: tuple[str, ...], name: str) -> int:
    return [candidate.lower() for candidate in names].index(name.lower())
