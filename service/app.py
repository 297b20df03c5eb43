"""The application: puts the parts together, starts and stops them."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

import uvicorn
from fastapi import FastAPI

from dispatcher import RulesError, RuleSet, render
from dispatcher.errors import SettingsError
from dispatcher.halo.settings import EMULATOR_KEY, HaloSettings
from dispatcher.halo.writer import HaloWriter
from service import logs, problems
from service.delivery import Delivery, Writer
from service.intake import Intake
from service.routes import router
from service.settings import Settings
from service.store import Store
from service.trials import Trials

if TYPE_CHECKING:
    from service.engine import Engine

RECONCILE_SECONDS = 60.0

_log = logging.getLogger(__name__)


def create_app(
    settings: Settings, *, ruleset: RuleSet | None = None, writer_factory: Callable[[], Writer] | None = None
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
    app.state.ruleset = ruleset or load_rules(settings)
    app.state.trials = Trials(app.state.ruleset, settings)
    app.state.store = Store(settings.database)
    app.state.writer_factory = writer_factory or (lambda: HaloWriter(settings.halo))
    problems.install(app)
    app.include_router(router)
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
    logs.configure()
    try:
        app = create_app(settings)
    except RulesError as error:
        render.write(render.diagnostics(error.diagnostics), output)
        return 1
    store: Store = app.state.store
    # Opened here already, so that a folder or port in use is said in words and not as a traceback.
    store.open()
    try:
        with _listener(settings) as listener:
            host, port = listener.getsockname()[:2]
            output.write("".join(f"{line}\n" for line in _greeting(settings, app.state.ruleset, host, port)))
            output.flush()
            # The log tells what becomes of tickets and what fails. A line for each request would take half as long as
            # answering it, and who wants them has a proxy in front.
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
            # Ctrl-C is how it usually ends, and by then all has been closed.
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
    finally:
        store.close()
    return 0 if server.started else 1


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


def _greeting(settings: Settings, ruleset: RuleSet, host: str, port: int) -> list[str]:
    address = f"[{host}]" if ":" in host else host
    lines = [
        f"Listening on http://{address}:{port} (interface: /docs)",
        f"Rules: {settings.rules}, revision {ruleset.revision}",
        f"Halo: {settings.halo.resource_server}",
    ]
    if settings.halo.resource_server == HaloSettings().resource_server:
        lines.append(
            "Warning: that is the emulator's address, and no ticket reaches a real Halo. Start the emulator with "
            "`dispatcher halo-emulator`, or set `resource_server`, `authorisation_server` and your key."
        )
    elif settings.halo.key.get_secret_value() == EMULATOR_KEY:
        lines.append("Warning: there is no key for it; set DISPATCHER_HALO_KEY, or `key_file` in [halo].")
    return lines


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    store: Store = app.state.store
    try:
        engine = await asyncio.to_thread(_start, app.state)
        reconciling = asyncio.create_task(_keep_reconciled(engine))
        try:
            yield
        finally:
            reconciling.cancel()
            with suppress(asyncio.CancelledError):
                await reconciling
            await asyncio.to_thread(engine.stop)
    finally:
        store.close()


def _start(state: Any) -> Engine:
    # Costs a second, which nobody should pay who only wants to see an error in the settings.
    from service.engine import Engine

    settings: Settings = state.settings
    state.store.open()
    delivery = Delivery(state.store, state.writer_factory, settings.delivery, settings.defaults)
    engine = Engine(state.store, delivery, settings.delivery)
    engine.start()
    try:
        engine.reconcile(stale_seconds=0)
    except BaseException:
        engine.stop()
        raise
    state.intake = Intake(state.ruleset, state.store, engine, settings.zone)
    return engine


async def _keep_reconciled(engine: Engine) -> None:
    while True:
        await asyncio.sleep(RECONCILE_SECONDS)
        try:
            await asyncio.to_thread(engine.reconcile)
        except Exception:  # noqa: BLE001 - whatever it was, the next round must come
            # The database is away; it is asked again in a minute.
            _log.exception("could not look for stranded deliveries")
