"""Metrics: what a process counts, in the form that Prometheus collects. Only this file imports its client.

Counters are of this process since its start: over several processes they are added up. What the database knows is
asked when somebody collects, and is the same whichever process is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client import Gauge as CurrentNumber
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from dispatcher.lang.diagnostics import Diagnostic
from service.store import State
from service.versions import Version

__all__ = ["CONTENT_TYPE_LATEST", "Gauge", "Metrics"]

_DECISION_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

# When a counter began is in the start time of the process.
disable_created_metrics()  # type: ignore[no-untyped-call]

_log = logging.getLogger(__name__)


class Metrics:
    """The counters of one application, for any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._received = self._counter("tickets_received", "Tickets that came in; repetitions do not count.")
        self._refused = self._counter("tickets_refused", "Tickets that a rule refused.")
        self._filed = self._counter("tickets_filed", "Tickets that got into Halo with their note.")
        self._retried = self._counter("attempts_retried", "Attempts that failed and are made again.", "stage")
        self._stopped = {
            State.DEAD: self._counter("tickets_dead", "Tickets that could not be filed."),
            State.REVIEW: self._counter("tickets_review", "Tickets of which nobody can tell whether Halo has them."),
        }
        self._calls = self._counter(
            "halo_calls", "Requests to Halo; status `none`: without an answer.", "method", "path", "status"
        )
        self._faults = self._counter("rule_faults", "Rules that failed; `limit`: they ran out of budget.", "kind")
        self._switches = self._counter(
            "rules_switches", "Other rules that came into force here; `origin`: publish, rollback, ...", "origin"
        )
        self._names = CurrentNumber(
            "dispatcher_name_problems",
            "Names in the rules in force that Halo does not know, or knows otherwise, as of the last look.",
            ["code"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "dispatcher_decision_seconds",
            "Time to decide a ticket.",
            registry=self._registry,
            buckets=_DECISION_SECONDS,
        )
        self._asked = _Asked()
        self._registry.register(self._asked)
        ProcessCollector(registry=self._registry)

    def decided(self, decision: Mapping[str, Any], seconds: float) -> None:
        """Count a ticket that came in, with its decision."""
        self._received.inc()
        self._seconds.observe(seconds)
        if decision["refused"] is not None:
            self._refused.inc()
        for fault in decision["faults"]:
            self._faults.labels(fault["kind"]).inc()

    def names(self, problems: Sequence[Diagnostic]) -> None:
        """Show how many names in the rules in force Halo has something against."""
        self._names.clear()
        for problem in problems:
            if problem.severity != "info":
                self._names.labels(problem.code).inc()

    def switched(self, version: Version) -> None:
        """Count that other rules came into force."""
        self._switches.labels(version.origin).inc()

    def filed(self) -> None:
        """Count a ticket that is in Halo with its note."""
        self._filed.inc()

    def retried(self, stage: str) -> None:
        """Count an attempt that failed and is made again."""
        self._retried.labels(stage).inc()

    def stopped(self, state: State) -> None:
        """Count a ticket that needs a person: `dead` or `review`."""
        self._stopped[state].inc()

    def called(self, method: str, path: str, status: int | None) -> None:
        """Count a request to Halo. `path` is one of few, with `{id}` in place of numbers."""
        self._calls.labels(method, path.strip("/").lower(), "none" if status is None else str(status)).inc()

    def gauges(self, ask: Callable[[], Iterable[Gauge]]) -> None:
        """Have the gauges that `ask` returns for each collection shown along with the counters."""
        self._asked.ask = ask

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self._registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"dispatcher_{name}", what, labels, registry=self._registry)


class Gauge(GaugeMetricFamily):
    """A number that goes up and down: one, or one for each value of a label."""

    def __init__(self, name: str, what: str, value: float | None = None, *, label: str | None = None) -> None:
        super().__init__(f"dispatcher_{name}", what, value, [label] if label else None)


class _Asked(Collector):
    def __init__(self) -> None:
        self.ask: Callable[[], Iterable[Gauge]] | None = None

    def describe(self) -> Iterable[Gauge]:
        """Nothing: which names there are need not be asked of the database at the start."""
        return ()

    def collect(self) -> Iterable[Gauge]:
        if self.ask is None:
            return
        # Without the database there are counters still, and this to set an alarm on.
        try:
            gauges = list(self.ask())
        except sa.exc.SQLAlchemyError:
            _log.exception("metrics cannot be asked of the database")
            gauges = []
        yield Gauge("database_up", "Whether the database answers.", float(bool(gauges)))
        yield from gauges
