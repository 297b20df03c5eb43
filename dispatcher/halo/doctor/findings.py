"""What a check found, as data, and the running of checks one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from dispatcher.halo.errors import HaloRequestError

# The longest that one check may take, with all of its requests.
CHECK_SECONDS = 60.0


class Verdict(StrEnum):
    """How a check ended; only `failed` stands in the way of filing tickets as the settings say."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `help` says what to do about it, '' when there is nothing to do."""

    check: str
    verdict: Verdict
    detail: str
    help: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the finding as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """Something to find out. `run` is not called unless all that it `needs` have held.

    A HaloRequestError of `run` is a failure; `help` is then added to what the error says.
    """

    name: str
    run: Callable[[], Awaitable[Result]]
    needs: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check answers: a finding that has no name yet."""

    verdict: Verdict
    detail: str
    help: str = ""


def ok(detail: str) -> Result:
    """All is as it should be."""
    return Result(Verdict.OK, detail)


def warning(detail: str, mend: str = "") -> Result:
    """Tickets are filed, but something is not as it should be."""
    return Result(Verdict.WARNING, detail, mend)


def failed(detail: str, mend: str = "") -> Result:
    """Something is in the way."""
    return Result(Verdict.FAILED, detail, mend)


def skipped(detail: str, mend: str = "") -> Result:
    """Nothing was found out."""
    return Result(Verdict.SKIPPED, detail, mend)


async def findings(checks: Iterable[Check], limit_seconds: float = CHECK_SECONDS) -> AsyncIterator[Finding]:
    """Yield what each check found, as soon as it has ended."""
    # Check -> the one that is to blame for its not having held: itself, or what it needs.
    blame: dict[str, str] = {}
    for check in checks:
        culprit = next((blame[name] for name in check.needs if name in blame), None)
        if culprit is not None:
            blame[check.name] = culprit
            result = skipped(f"{culprit} comes first")
        else:
            result = await _run(check, limit_seconds)
            if result.verdict in (Verdict.FAILED, Verdict.SKIPPED):
                blame[check.name] = check.name
        yield Finding(check.name, result.verdict, result.detail, result.help)


async def _run(check: Check, limit_seconds: float) -> Result:
    try:
        async with asyncio.timeout(limit_seconds):
            return await check.run()
    except TimeoutError:
        return failed(f"not done within {limit_seconds:g} s.", check.help)
    except HaloRequestError as error:
        return failed(str(error), check.help)
