"""Dates and times as text by a format, and back: compared with CPython's own on the computer at hand."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.moment_text import strftime, strptime
from tests.lang import members
from tests.lang.strategies import PROPERTY

_DIRECTIVES = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyY%Qq"
_FLAGGED = st.builds(
    "%{}{}{}{}".format,
    st.text("-_0^#", max_size=2),
    st.sampled_from(("", "", "3", "12")),
    st.sampled_from(("", "", "E", "O")),
    st.sampled_from(_DIRECTIVES),
)
FORMATS = st.lists(
    st.one_of(_FLAGGED, st.sampled_from(("%z", "%Z", "%f")), st.text("xé %\t.", max_size=3)), max_size=4
).map("".join)
ZONES = st.sampled_from((None, UTC, timezone(timedelta(hours=-3, seconds=5)), timezone(timedelta(0), "%d")))
ALL_MOMENTS = st.one_of(st.datetimes(timezones=ZONES), st.dates(), st.times(timezones=ZONES))


@pytest.mark.skipif(sys.platform != "linux", reason="CPython asks the C library, which is that of Linux for rules")
@settings(PROPERTY, max_examples=800)
@given(moment=ALL_MOMENTS, spec=FORMATS)
def test_strftime_is_cpythons(moment: Any, spec: str) -> None:
    """Any moment is shown by any format as CPython shows it on Linux."""
    assert strftime(Meter(Limits()), moment, spec) == moment.strftime(spec)


READINGS = (
    *("%Y-%m-%d", "%d/%m/%y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z", "%H:%M:%S.%f", "%a %b %d %Y", "%A, %d. %B %Y", "%c"),
    *("%Y %U %a", "%Y-%W-%w", "%G-%V-%u", "%G %V %A", "%Y %j", "%y%m%d", "%d%m", "%x %X", "%Y %U %w %j", "%b %d"),
    *("%G %Y %V %u", "%G %V %u %U", "%a %U", "%d %m", "%Y-%Y", "%G", "%V", "%Y %Q", "%", "%% %Y", "(%Y)", "%H%I%p"),
)


@settings(PROPERTY, max_examples=800)
@given(
    moment=st.datetimes(timezones=st.sampled_from((UTC, timezone(timedelta(hours=2, minutes=30, seconds=1))))),
    spec=st.sampled_from(READINGS),
    place=st.integers(0, 30),
    other=st.sampled_from(("", "", "", "0", "1", "9", " ", "x", "53", "Z")),
)
def test_strptime_is_cpythons(moment: datetime, spec: str, place: int, other: str) -> None:
    """A text, right or nearly so, is read by a format as CPython reads it."""
    text = moment.strftime(spec)
    text = text[:place] + other + text[place + 1 :] if other else text

    def ours(given: list[Any], _named: dict[str, Any]) -> Any:
        return strptime(Meter(Limits()), *given)

    expected = members.outcome(lambda given, _: datetime.strptime(*given), (text, spec), {})
    assert members.outcome(ours, (text, spec), {}) == expected


def test_errors_show_little_of_a_long_text() -> None:
    """A message about a text, or about a format, holds its beginning only."""
    with pytest.raises(ValueError, match=r"\Atime data 'x{100}\.\.\.' does not match format '%Y'\Z"):
        strptime(Meter(Limits()), "x" * 100_000, "%Y")


def test_a_format_is_charged_before_it_is_filled_in() -> None:
    """A width, or several, cannot make a text that is longer than the limit."""
    for spec in ("%0999999999d", "%09999999999d", "%0999999d" * 10):
        with pytest.raises(LimitExceeded, match="a text would be longer than"):
            strftime(Meter(Limits()), datetime(2026, 3, 2), spec)


def test_seconds_of_the_computers_zone_are_refused() -> None:
    """`%s` would count in the time zone of the computer."""
    with pytest.raises(ValueError, match="`%s` counts in the time zone of this computer"):
        strftime(Meter(Limits()), datetime(2026, 3, 2), "%s")
