"""Faults on demand: which request goes wrong, and how, decided by a seed and the order of the requests."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dispatcher.errors import DispatcherError

# The longest delay and the longest time of being down.
MOST_SECONDS = 86_400


class FaultsError(DispatcherError):
    """A plan of faults that cannot be read; the text says what is wrong with it."""


class Fault(StrEnum):
    """What can go wrong with one request: "before" means that no write happens, "after" that it has happened."""

    DELAY = "delay"  # the work, and so the write, begins late
    SLOW_BODY = "slow-body"  # the answer begins at once, and its body trickles in
    INVALID_JSON = "invalid-json"  # the body of the answer is cut off in the middle
    CUT_BEFORE = "cut-before"  # the connection ends without an answer
    CUT_AFTER = "cut-after"
    ERROR_500_BEFORE = "500-before"
    ERROR_502_BEFORE = "502-before"
    ERROR_503_BEFORE = "503-before"
    ERROR_504_BEFORE = "504-before"
    ERROR_500_AFTER = "500-after"
    ERROR_502_AFTER = "502-after"
    ERROR_503_AFTER = "503-after"
    ERROR_504_AFTER = "504-after"
    RATE_LIMITED = "429"  # nothing happens, as if the rate limit were reached
    TOKEN_EXPIRY = "token-expiry"  # noqa: S105 - all tokens end, so that this request gets a 401

    @property
    def status(self) -> int | None:
        """The status of an error page."""
        number = self.value[:3]
        return int(number) if number in {"500", "502", "503", "504"} else None

    @property
    def after(self) -> bool:
        """Whether the write has happened when the fault strikes."""
        return self.value.endswith("-after")


Rate = Annotated[float, Field(ge=0, le=1)]


class FaultPlan(BaseModel):
    """How often each fault strikes, and which requests it may strike; at most one strikes a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    rates: dict[Fault, Rate] = Field(default_factory=dict)
    delay_seconds: float = Field(default=1.0, ge=0, le=MOST_SECONDS)
    retry_after_seconds: float | None = Field(default=None, ge=0, le=MOST_SECONDS)  # what a 429 says; None: nothing
    methods: tuple[str, ...] | None = None  # None: all
    paths: tuple[str, ...] | None = None  # each with everything below it; None: all
    limit: int | None = Field(default=None, ge=0)  # so many faults in all; None: no end

    @field_validator("methods")
    @classmethod
    def _upper(cls, methods: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if methods is None else tuple(method.upper() for method in methods)

    @field_validator("paths")
    @classmethod
    def _canonical(cls, paths: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if paths is None else tuple(canonical_path(path) for path in paths)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(self.rates.values())
        if total > 1 + 1e-9:
            raise ValueError(f"the rates add up to {total:g}, and at most one fault strikes a request: 1 is the most")
        return self

    def covers(self, method: str, path: str) -> bool:
        """Tell whether a request may be struck; `path` is canonical."""
        if self.methods is not None and method not in self.methods:
            return False
        return self.paths is None or any(path == top or path.startswith(f"{top}/") for top in self.paths)

    @classmethod
    def even(cls, rate: float, seed: int) -> FaultPlan:
        """Return the plan by which a share of all requests is struck, by every kind of fault alike."""
        return cls(seed=seed, rates=dict.fromkeys(Fault, rate / len(Fault)))


def canonical_path(path: str) -> str:
    """Return a path as the emulator knows it: Halo's are case-insensitive, and the same with and without `/api`."""
    path = "/" + path.lower().strip("/")
    return path.removeprefix("/api") if path.startswith("/api/") else path


def read_plan(file: Path) -> FaultPlan:
    """Return the plan that a JSON file holds."""
    try:
        return FaultPlan.model_validate_json(file.read_bytes())
    except OSError as error:
        raise FaultsError(f"{file}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise FaultsError(
            f"{file}: {f'{place}: ' if place else ''}{problem['msg'].removeprefix('Value error, ')}"
        ) from None


@dataclass(slots=True)
class Faults:
    """The plan in force, what has happened under it, and whether the emulator is down."""

    clock: Callable[[], datetime]
    plan: FaultPlan = field(default_factory=FaultPlan)
    happened: Counter[Fault] = field(init=False)
    _random: random.Random = field(init=False)
    _down_until: datetime | None = None

    def __post_init__(self) -> None:
        self.replace(self.plan)

    def replace(self, plan: FaultPlan) -> None:
        """Put a plan in force; its seed and its account start anew."""
        self.plan = plan
        self.happened = Counter()
        self._random = random.Random(plan.seed)  # noqa: S311 - chance that can be repeated is the point

    def draw(self, method: str, path: str, *, has_token: bool = True) -> Fault | None:
        """Return the fault that strikes the next request, if one does, and put it on the account.

        The end of all tokens strikes only those that come with one.
        """
        plan = self.plan
        if not plan.covers(method, path):
            return None
        # Drawn even when no more may happen, so that the limit changes nothing of what comes before it.
        point = self._random.random()
        if plan.limit is not None and self.happened.total() >= plan.limit:
            return None
        kinds = [kind for kind in Fault if kind in plan.rates]
        for kind, end in zip(kinds, accumulate(plan.rates[kind] for kind in kinds), strict=True):
            if point < end:
                if kind is Fault.TOKEN_EXPIRY and not has_token:
                    return None
                self.happened[kind] += 1
                return kind
        return None

    def go_down(self, seconds: float) -> None:
        """Be away for so long from now; 0 is back at once."""
        self._down_until = self.clock() + timedelta(seconds=seconds)

    def down_seconds(self) -> float:
        """Return for how long the emulator will be away; 0 when it is there."""
        if self._down_until is None:
            return 0.0
        return max(0.0, (self._down_until - self.clock()).total_seconds())
