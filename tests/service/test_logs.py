"""Log lines: what they look like, which of them are written, and that no record can pass for another."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dispatcher import RuleSet
from dispatcher.errors import SettingsError
from dispatcher.halo.writer import HaloWriter
from service import logs
from service.app import create_app
from service.budget import Budget
from service.database import Database
from service.settings import AlertsSection, HaloSection, Settings
from service.store import State
from tests.service.bench import DELIVERY, started

FACTS: dict[str, Any] = {
    "ticket": "t1",
    "stage": "note",
    "text": 'two\nlines "quoted"',
    "number": 3,
    "none": None,
    "empty": "",
}


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Leave the loggers of the process as they were."""
    root = logging.getLogger()
    handlers, names = root.handlers[:], ["", *logs.OURS, *logs._TELL_ADDRESSES]
    levels = [logging.getLogger(name).level for name in names]
    # What pytest listens with is not to be closed.
    root.handlers[:] = []
    yield
    root.handlers[:] = handlers
    for name, level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(level)


def record(message: str = "attempt failed", **members: Any) -> logging.LogRecord:
    """Return a log record of a certain time."""
    created = {"created": 1_790_000_000.25, "msecs": 250.0, "levelname": "WARNING", "levelno": 30}
    return logging.makeLogRecord({"name": "service.delivery", "msg": message, **created, **members})


def failure() -> Any:
    """Return an exception whose text looks like a log line, as `exc_info`."""
    try:
        raise ValueError("no\n2026-09-21T14:13:20.250Z INFO service.intake: forged\u2028forged")
    except ValueError:
        return sys.exc_info()


def test_text() -> None:
    """A line has time, level, logger and event, then its facts as name=value, quoted where they are not plain."""
    assert logs.FactsFormatter().format(record(**FACTS)) == (
        "2026-09-21T14:13:20.250Z WARNING service.delivery: attempt failed "
        'ticket=t1 stage=note text="two\\nlines \\"quoted\\"" number=3 none=None empty=""'
    )


def test_json() -> None:
    """As JSON, the facts stand beside time, level, logger and event, as the data that they are."""
    line = logs.JsonFormatter().format(record(**FACTS))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-09-21T14:13:20.250Z",
        "level": "warning",
        "logger": "service.delivery",
        "event": "attempt failed",
        **FACTS,
    }


def test_values_that_json_has_not() -> None:
    """A fact that JSON cannot hold is written as text."""
    assert (
        json.loads(
            logs.JsonFormatter().format(
                record(
                    fact={
                        1,
                    }
                )
            )
        )["fact"]
        == "{1}"
    )


def test_no_record_passes_for_another() -> None:
    """Whatever stands in events and exceptions, only a record's own first line begins without a blank."""
    line = logs.FactsFormatter().format(record("a\nb\x1b[2J\u2028c", exc_info=failure(), stack_info="Stack:\n  here"))
    first, *others = line.splitlines()
    assert first == "2026-09-21T14:13:20.250Z WARNING service.delivery: a\\nb\\u001b[2J\\u2028c"
    assert others[0] == "    Traceback (most recent call last):"
    assert {other[:4] for other in others} == {"    "}
    assert others[-2:] == ["    Stack:", "      here"]


def test_exceptions_in_json() -> None:
    """As JSON, an exception is a fact of its record, with the whole traceback."""
    raised = failure()
    shown = json.loads(logs.JsonFormatter().format(record(exc_info=raised)))
    assert shown["exception"] == "".join(traceback.format_exception(*raised)).rstrip("\n")


@pytest.mark.parametrize(
    ("level", "ours", "libraries"),
    [
        ("debug", ["debug", "info", "warning", "error"], ["info", "warning", "error"]),
        ("info", ["info", "warning", "error"], ["info", "warning", "error"]),
        ("warning", ["warning", "error"], ["warning", "error"]),
        ("error", ["error"], ["error"]),
    ],
)
def test_levels(capsys: pytest.CaptureFixture[str], level: str, ours: list[str], libraries: list[str]) -> None:
    """The level says which of our lines are written; libraries are not heard at debug, nor addresses that they tell."""
    logs.configure(level, "json")
    for name in ("service.delivery", "dispatcher.halo.client", "uvicorn.error", "httpx", "httpcore.connection"):
        for each in ("debug", "info", "warning", "error"):
            getattr(logging.getLogger(name), each)("said")
    heard: dict[str, list[str]] = {}
    for line in capsys.readouterr().err.splitlines():
        shown = json.loads(line)
        heard.setdefault(shown["logger"], []).append(shown["level"])
    told = [each for each in libraries if each != "info"]
    assert heard == {
        "service.delivery": ours,
        "dispatcher.halo.client": ours,
        "uvicorn.error": libraries,
        "httpx": told,
        "httpcore.connection": told,
    }


def test_styles(capsys: pytest.CaptureFixture[str]) -> None:
    """Text is what is written when nothing else is asked for, and a second call replaces the first."""
    logs.configure(style="json")
    logs.configure()
    logging.getLogger("service").info("begun")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.partition(" ")[2] == "INFO service: begun"


KEY = "acme+11111111-2222-3333-4444-555555555555:hush-client-secret"
TOKEN = "hush-access-token"
PASSWORD = "hush-password"
HOOK = "hush-hook"


def refusing(request: httpx.Request) -> httpx.Response:
    """Answer as a Halo that lets us in, knows nobody but the catch-all user, and takes nothing."""
    if request.url.path.endswith("/token"):
        return httpx.Response(200, json={"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
    if request.url.path.endswith("/Users"):
        user = {"id": 2, "emailaddress": "unregistered@helpdeskbuttons.com", "client_id": 1, "site_id": 1}
        return httpx.Response(200, json={"record_count": 1, "users": [user]})
    if request.method == "GET":
        return httpx.Response(200, json=[])
    return httpx.Response(500, json={"Message": "An error has occurred."})


@pytest.mark.anyio
async def test_secrets_stay_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No secret shows in the log at its most talkative, in answers, errors, reprs or the database."""
    logs.configure("debug", "json")
    halo = HaloSection.model_validate({"key": KEY, "resource_server": "https://halo.example/api"})
    alerts = AlertsSection.model_validate({"url": f"http://127.0.0.1:1/{HOOK}"})
    settings = Settings(
        data=tmp_path,
        halo=halo,
        alerts=alerts,
        delivery=DELIVERY.model_copy(update={"max_attempts": 1}),
    )
    away = Settings(database_url=f"postgresql://dispatcher:{PASSWORD}@127.0.0.1:1/none")
    database = Database(away.database)
    with pytest.raises(SettingsError) as cannot_open:
        database.open()

    def writer(budget: Budget) -> HaloWriter:
        return HaloWriter(halo, httpx.MockTransport(refusing), budget)

    app = create_app(settings, ruleset=RuleSet.from_text(""), halo_factory=writer)
    async with started(app) as client:
        key, text = app.state.keys.create("website", ["intake"])
        sent = [{"X-API-Key": text}, {"X-API-Key": text + "x"}, {"Authorization": f"Bearer {text[:-64]}{'0' * 64}"}]
        answers = [await client.post("/v1/tickets", json={"msg": "no sound"}, headers=headers) for headers in sent]
        answers.append(await client.delete(f"/v1/tickets/x?key={text}", headers={"X-API-Key": text}))
        ticket_id = answers[0].json()["id"]
        with anyio.fail_after(10):
            while (ticket := app.state.store.get(ticket_id)).state != State.DEAD:
                await anyio.sleep(0.02)
        objects = [settings, away, database, key, app.state.keys, app.state.halo, app.state.budget, ticket]
        kept = "".join(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir())
    assert [answer.status_code for answer in answers] == [202, 401, 401, 403]
    places = {
        "log": capsys.readouterr().err,
        "answers": "".join(f"{answer.headers} {answer.text}" for answer in answers),
        "errors": f"{cannot_open.value!r} {cannot_open.value}",
        "reprs": " ".join(f"{thing!r} {thing}" for thing in objects),
        "database": kept,
    }
    secrets = {
        "client secret": "hush-client-secret",
        "access token": TOKEN,
        "database password": PASSWORD,
        "address of the hook": HOOK,
        "API key": text.rpartition("_")[2],
    }
    shown = [(name, place) for name, secret in secrets.items() for place, seen in places.items() if secret in seen]
    assert shown == []
    # What is looked for would be found there.
    assert [place for place, seen in places.items() if key.id in seen] == ["log", "answers", "reprs", "database"]
    assert ticket.last_error in places["database"]
