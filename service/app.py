"""The application: puts the parts together, starts and stops them."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TextIO

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from dispatcher import RulesError, RuleSet
from dispatcher.errors import SettingsError
from dispatcher.halo.errors import HaloRequestError, NotSetUpError
from dispatcher.halo.requester import Known
from dispatcher.halo.settings import EMULATOR_KEY, HaloSettings
from dispatcher.halo.snapshot import Snapshot
from dispatcher.halo.writer import HaloWriter
from dispatcher.render.diagnostics import diagnostics
from dispatcher.render.text import write
from service import (
    access,
    audit_routes,
    backtest_routes,
    delivery,
    explain_routes,
    live_routes,
    logs,
    operation,
    problems,
    testing_routes,
    ticket_routes,
    version_routes,
)
from service.access import Access
from service.alerts import Alerts
from service.budget import Budget
from service.database import Database
from service.deciding import ActiveRules
from service.delivery import Delivery
from service.following import LOOK_SECONDS, Follower
from service.intake import Intake
from service.keys import Keys
from service.metrics import Metrics
from service.names import NamesCheck
from service.readiness import gauges, readiness
from service.requesters import Requesters
from service.retention import Retention
from service.routes import router
from service.settings import Settings
from service.store import Store
from service.trials import Trials
from service.versions import RuleSettings, Versions
from service.worker import Outage, Worker, worker_name

# How often look-ups are asked whether they are old.
REFRESH_SECONDS = 30.0
# How long a stop waits for requests that are under way, before what is being filed is waited for.
STOP_SECONDS = 10
# How long a connection may say nothing at first.
FIRST_REQUEST_SECONDS = 30.0
# How long a start waits for Halo.
START_SECONDS = 5.0
ALERT_SECONDS = 5.0
RETENTION_SECONDS = 3600.0
# How often it is asked whether it is time to look at names.
NAMES_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Halo(delivery.Writer, Protocol):
    """What the service asks of Halo."""

    async def known_of(self, email: str) -> Known: ...

    def rank(self, priority: Any) -> int | None: ...

    async def refresh(self) -> None: ...

    def lookups_age_seconds(self) -> float | None: ...

    async def snapshot(self, now: datetime) -> Snapshot: ...

    async def aclose(self) -> None: ...


def create_app(
    settings: Settings, *, ruleset: RuleSet | None = None, halo_factory: Callable[[Budget], Halo] | None = None
) -> FastAPI:
    """Return the service as an ASGI application; it begins to deliver when it is started.

    Raises SettingsError without rules and RulesError for rules with errors, rather than starting without
    them.
    """
    app = FastAPI(
        title="dispatcher",
        summary="Ticket rules in front of Halo: post tickets, test rules.",
        description="Errors are problem documents (RFC 9457), `application/problem+json`.",
        version="1",
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.database = Database(settings.database)
    app.state.store = Store(app.state.database)
    app.state.metrics = Metrics()
    app.state.budget = Budget(app.state.database, settings.halo.calls_per_5_minutes, app.state.metrics.called)
    app.state.halo_factory = halo_factory or (lambda budget: HaloWriter(settings.halo, budget=budget))
    app.state.keys = Keys(app.state.database)
    app.state.versions = Versions(app.state.database)
    problems.install(app)
    access.install(app, Access(app.state.keys))
    app.include_router(operation.router)
    if settings.role != "worker":
        # Those that are in force are known when the database is open.
        app.state.rules = rules = ActiveRules(ruleset or load_rules(settings))
        app.state.follower = Follower(app.state.versions, rules, RuleSettings.of(settings), app.state.metrics.switched)
        app.state.trials = Trials(app.state.rules, settings)
        app.include_router(router)
        app.include_router(ticket_routes.router)
        app.include_router(live_routes.router)
        app.include_router(audit_routes.router)
        app.include_router(backtest_routes.router)
        app.include_router(explain_routes.router)
        app.include_router(testing_routes.router)
        app.include_router(version_routes.router)
    return app


def load_rules(settings: Settings) -> RuleSet:
    """Return the rule set that the settings name."""
    if settings.rules is None:
        raise SettingsError(
            'there are no rules: write `rules = "my.rules"` (a file, or a folder of *.rules files) in '
            "dispatcher.toml, or set DISPATCHER_RULES"
        )
    return RuleSet.load(
        settings.rules, variables=settings.variables, defaults=settings.defaults, on_fault=settings.on_fault
    )


def run(settings: Settings, output: TextIO | None = None) -> int:
    """Serve until interrupted, and return the exit code: 1 for rules with errors."""
    output = output or sys.stdout
    logs.configure(settings.log_level, settings.log_format)
    _allow_connections()
    try:
        app = create_app(settings)
    except RulesError as error:
        write(diagnostics(error.diagnostics), output)
        return 1
    database: Database = app.state.database
    # Opened here already, so that a folder or port in use is said in words and not as a traceback.
    database.open()
    try:
        if settings.role != "worker":
            app.state.follower.start()
        if settings.role != "web":
            asyncio.run(_check_halo(settings, app.state.budget))
        keys = bool(app.state.keys.all())
        host = access.listening_host(settings.host, keys=keys)
        with _listener(settings.model_copy(update={"host": host})) as listener:
            host, port = listener.getsockname()[:2]
            output.write("".join(f"{line}\n" for line in _greeting(app, host, port, keys=keys)))
            output.flush()
            # The log tells what becomes of tickets and what fails. A line for each request would take half as long as
            # answering it, and who wants them has a proxy in front.
            config = uvicorn.Config(
                app,
                http=ImpatientProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
            server = uvicorn.Server(config)
            # The server raises the signal that ended it once more, when all is closed.
            ended_by = signal.signal(signal.SIGTERM, lambda _number, _frame: None)
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
            signal.signal(signal.SIGTERM, ended_by)
    finally:
        database.close()
    return 0 if server.started else 1


async def _check_halo(settings: Settings, budget: Budget) -> None:
    """Raise SettingsError when Halo answers that it is not set up; while it is away, the start goes on."""
    halo = HaloWriter(settings.halo, budget=budget)
    try:
        async with asyncio.timeout(START_SECONDS):
            await halo.check_catch_all()
    except NotSetUpError as error:
        raise SettingsError(str(error)) from None
    except (HaloRequestError, TimeoutError) as error:
        _log.warning("Halo could not be asked whether it is set up", extra={"error": str(error) or "no answer in time"})
    finally:
        await halo.aclose()


class ImpatientProtocol(H11Protocol):
    """A connection that is closed, too, when no request comes after it was opened."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait, as after each answer."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(FIRST_REQUEST_SECONDS, self.timeout_keep_alive_handler)


def _allow_connections() -> None:
    """Let the process have as many files and connections as the system lets it, instead of as few as is usual."""
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise SettingsError(f"cannot listen on {place}: {error.strerror}; change `host` or `port`") from None
    # Connections take this over. Head and body of an answer are sent one after the other, and without it the body
    # waits until the client has acknowledged the head, which may take 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _greeting(app: FastAPI, host: str, port: int, *, keys: bool) -> list[str]:
    settings: Settings = app.state.settings
    address = f"[{host}]" if ":" in host else host
    lines = [f"Listening on http://{address}:{port} (interface: /docs)", *access.greeting(settings.host, keys=keys)]
    if settings.role != "worker":
        lines.append(_rules_line(app.state.follower, settings))
    lines.append(f"Halo: {settings.halo.resource_server}")
    lines.append(f"Database: {app.state.database} ({app.state.database.server()}), role {settings.role}")
    if settings.halo.resource_server == HaloSettings().resource_server:
        lines.append(
            "Warning: that is the emulator's address, and no ticket reaches a real Halo. Start the emulator with "
            "`dispatcher halo-emulator`, or set `resource_server`, `authorisation_server` and your key."
        )
    elif settings.halo.key.get_secret_value() == EMULATOR_KEY:
        lines.append("Warning: there is no key for it; set DISPATCHER_HALO_KEY, or `key_file` in [halo].")
    return lines


def _rules_line(follower: Follower, settings: Settings) -> str:
    """Return which rules are in force: those that the settings name, or others that were published since."""
    version = follower.start()
    if version.revision == follower.own.revision:
        return f"Rules: {settings.rules}, revision {version.revision}"
    return f"Rules: {version}, not those in {settings.rules}; `dispatcher rules history` tells why"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start what the role asks for; stop it in the opposite order."""
    state = app.state
    settings: Settings = state.settings
    async with AsyncExitStack() as running:
        await asyncio.to_thread(state.database.open)
        running.callback(state.database.close)
        if settings.role != "worker":
            await asyncio.to_thread(state.follower.start)
            await running.enter_async_context(_repeated("follow the rules", LOOK_SECONDS, state.follower.look))
        halo: Halo = state.halo_factory(state.budget)
        running.push_async_callback(halo.aclose)
        state.halo = halo
        state.wake = lambda: None
        if settings.role != "web":
            await _start_worker(app, halo, running)
        decided = await _watch(app, halo, running)
        if settings.role != "worker":
            await _watch_names(app, halo, running)
        if settings.role != "worker":
            state.intake = Intake(state.rules, state.store, settings.zone, halo.rank, decided)
            state.requesters = Requesters(halo.known_of, settings.halo.intake_lookup_seconds)
        await running.enter_async_context(_repeated("refresh look-ups", REFRESH_SECONDS, partial(_refresh, state)))
        yield


async def _refresh(state: Any) -> None:
    """Look up what is old, and rank the tickets that came in while priorities were not known."""
    await state.halo.refresh()
    for priority in await state.database.ask(state.store.unranked):
        if (rank := state.halo.rank(priority)) is not None:
            await state.database.ask(state.store.rank, priority, rank)


async def _start_worker(app: FastAPI, halo: Halo, running: AsyncExitStack) -> None:
    state = app.state
    settings: Settings = state.settings
    if state.database.is_sqlite:
        # Whoever had tickets under way is gone: no two services open one file.
        await state.database.ask(state.store.end_leases)
    name = worker_name()
    attempts = Delivery(
        state.store,
        halo,
        settings.delivery,
        settings.defaults,
        worker=name,
        answered_since=state.budget.answered_since,
        metrics=state.metrics,
    )
    worker = Worker(name, state.store, attempts, settings.delivery, Outage(state.budget.answered_since))
    state.worker, state.wake = worker, worker.wake
    delivering = asyncio.create_task(worker.run())

    async def stop() -> None:
        await worker.stop()
        await delivering

    running.push_async_callback(stop)


async def _watch(app: FastAPI, halo: Halo, running: AsyncExitStack) -> Callable[[Mapping[str, Any], float], None]:
    """Start what watches over the service and cleans up behind it; return what must be told of decisions."""
    state = app.state
    settings: Settings = state.settings
    worker: Worker | None = getattr(state, "worker", None)
    metrics: Metrics = state.metrics
    answered_since = state.budget.answered_since

    def away_seconds() -> float | None:
        return None if worker is None else worker.outage.seconds()

    def intake_failing() -> bool:
        return settings.role != "worker" and state.intake.failing

    def revision() -> str | None:
        return None if settings.role == "worker" else state.rules.ruleset.revision

    state.readiness = readiness(
        settings,
        state.store,
        worker,
        away_seconds,
        halo.lookups_age_seconds,
        intake_failing,
        None if settings.role == "worker" else state.follower.check,
    )
    metrics.gauges(lambda: gauges(state.store, state.budget.left, away_seconds, halo.lookups_age_seconds, revision))
    if worker is not None:
        retention = Retention(state.database, settings.retention)
        await running.enter_async_context(_repeated("delete what is old", RETENTION_SECONDS, retention.sweep))
    if settings.alerts.url is None:
        return metrics.decided
    alerts = Alerts(state.database, settings.alerts.url, outage=away_seconds, answered_since=answered_since)
    state.alerts = alerts
    running.push_async_callback(alerts.aclose)
    await running.enter_async_context(_repeated("look for alerts", ALERT_SECONDS, alerts.look))

    def decided(decision: Mapping[str, Any], seconds: float) -> None:
        metrics.decided(decision, seconds)
        alerts.decided(decision)

    return decided


async def _watch_names(app: FastAPI, halo: Halo, running: AsyncExitStack) -> None:
    """Start to look at the names in the rules, where that is wanted."""
    state = app.state
    settings: Settings = state.settings
    alerts: Alerts | None = getattr(state, "alerts", None)
    heard = [state.metrics.names, *([alerts.names] if alerts is not None else [])]
    state.names = NamesCheck(state.rules, settings, halo.snapshot, heard)
    if settings.halo.names_check_minutes:
        await running.enter_async_context(_repeated("look names up", NAMES_SECONDS, state.names.look))


@asynccontextmanager
async def _repeated(what: str, seconds: float, action: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do something at once and then again and again, until the block ends."""

    async def repeat() -> None:
        while True:
            try:
                await action()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
                _log.warning("cannot %s", what, extra={"error": f"{type(error).__name__}: {error}"})
            await asyncio.sleep(seconds)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
