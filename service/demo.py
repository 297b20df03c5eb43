"""The demo: an emulated Halo, the service and rules, a few tickets, and a table of what became of them."""

from __future__ import annotations

import json
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib import resources
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import uvicorn
from fastapi import FastAPI
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dispatcher.errors import DispatcherError
from service.app import create_app
from service.emulator.app import create_emulator
from service.settings import DeliverySection, HaloSection, Settings

PATIENCE_SECONDS = 30.0
_HOST = "127.0.0.1"
_DEFAULTS = {
    "ticketType": "Incident",
    "team": "1st Line Support",
    "agent": "Unassigned",
    "priority": "Medium",
}


class DemoError(DispatcherError):
    """The demo could not go on; the text says where it stopped."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A ticket as a sender posts it, and what must become of it."""

    ticket: Mapping[str, Any]
    refused: bool = False
    unknown_to_halo: tuple[str, ...] = ()


SAMPLES = (
    Sample(
        {
            "selections": ["This is an emergency", "It affects my whole team"],
            "name": "Dan Jump",
            "email": "dan.jump@contoso.com",
            "hostname": "CONTOSO-LT-001",
            "ip": "10.20.1.41",
            "business_name": "Contoso Ltd.",
            "msg": "The MRI workstation does not start. Two patients are waiting.",
        }
    ),
    Sample(
        {
            "name": "Holly Holt",
            "email": "Holly.Holt@woodgrovebank.com",
            "hostname": "WGB-TELLER-1",
            "business_name": "Woodgrove Bank",
            "msg": "Outlook asks for my password every few minutes since this morning.",
        }
    ),
    Sample(
        {
            "selections": "Printer",
            "name": "Terry Adams",
            "email": "terry.adams@fabrikam.com",
            "hostname": "FAB-PRINT-01",
            "business_name": "Fabrikam, Inc.",
            "msg": "The display says: toner low. It still prints.",
        }
    ),
    Sample(
        {
            "name": "Robin Sandoval",
            "email": "robin.sandoval@wingtiptoys.com",
            "msg": "I start in the shop on Monday and have no account yet.",
            "badge_number": "W-2291",
        }
    ),
    Sample(
        {
            "name": "Sara Davis",
            "email": "sara.davis@litwareinc.com",
            "hostname": "LIT-LAB-09",
            "business_name": "Litware, Inc.",
            "priority": "Urgent!",
            "msg": "The spectrometer software lost its licence.",
        },
        unknown_to_halo=("priority", "team", "agent"),
    ),
    Sample(
        {
            "name": "Max Lange",
            "email": "max@cohowinery.com",
            "business_name": "Coho Winery",
            "msg": "Can you look at our till?",
        },
        refused=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What the service and the emulator say of one sample in the end."""

    sample: Sample
    view: Mapping[str, Any]
    filed: tuple[Mapping[str, Any], ...]  # Halo's tickets with the reference of this one

    def problem(self) -> str | None:
        """Return what is not as it must be."""
        if self.sample.refused:
            return None if self.view["state"] == "refused" and not self.filed else "it was not refused"
        if self.view["state"] != "filed":
            return f"it is {self.view['state']} after {PATIENCE_SECONDS:g} s: {self.view['last_error']}"
        if len(self.filed) != 1 or len(self.filed[0]["notes"]) != 1:
            return "Halo does not hold exactly one ticket with one note"
        unknown = tuple(error["variable"] for error in self.view["submission_errors"])
        if unknown != self.sample.unknown_to_halo:
            return f"Halo did not know {unknown}, expected {self.sample.unknown_to_halo}"
        return None


def run_demo(*, once: bool, out: TextIO) -> int:
    """Run the demo until interrupted, or with `once` until all is shown.

    Returns the exit code: 1 when a ticket did not become what it must.
    """
    console = Console(file=out, width=None if out.isatty() else 120, highlight=False)
    code = 0
    try:
        with _interruptible(), ExitStack() as running:
            code = _show(console, running)
            if not once:
                # Not by the console: interrupted while it prints, it would print the same again.
                out.write("Press Ctrl-C to stop; nothing of this is kept.\n")
                out.flush()
                _wait_for_ever()
    except KeyboardInterrupt:
        out.write("Stopped.\n")
    except DispatcherError as error:
        console.print(f"The demo stopped: {error}", markup=False)
        return 1
    return code


def _show(console: Console, running: ExitStack) -> int:
    console.print("Starting an emulated Halo and dispatcher ...")
    folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="dispatcher-demo-")))
    emulator = running.enter_context(_serving(create_emulator(), "the emulator"))
    rules = running.enter_context(resources.as_file(resources.files("service") / "demo_rules"))
    service = running.enter_context(_serving(create_app(_settings(emulator, rules, folder)), "the service"))
    results = _post_all(service, emulator)
    console.print(_table(results))
    first = results[0].view["id"]
    for label, address in (
        ("What Halo holds", f"http://{emulator}/"),
        ("Try the service", f"http://{service}/docs"),
        ("One ticket, whole", f"http://{service}/v1/tickets/{first}"),
        ("The rules", str(rules)),
    ):
        console.print(Text.assemble((f"{label:<18}", "bold"), address), soft_wrap=True)
    problems = [(result, problem) for result in results if (problem := result.problem())]
    for result, problem in problems:
        console.print(f"Ticket {result.view['id']}: {problem}.", markup=False, style="red")
    return 1 if problems else 0


def _settings(emulator: str, rules: Path, folder: Path) -> Settings:
    halo = HaloSection(
        resource_server=f"http://{emulator}/api", authorisation_server=f"http://{emulator}/auth", source=24
    )
    return Settings(
        rules=rules, data=folder, defaults=_DEFAULTS, halo=halo, delivery=DeliverySection(poll_seconds=0.05)
    )


def _post_all(service: str, emulator: str) -> list[Result]:
    """Post the samples as a sender would, wait until each is settled, and look it up in Halo."""
    ids = [_post(service, sample.ticket) for sample in SAMPLES]
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    views = [_settled(service, ticket_id, give_up_at) for ticket_id in ids]
    tickets = _request(emulator, "GET", "/emulator/tickets")
    return [
        Result(sample, view, tuple(ticket for ticket in tickets if _is_for(ticket, view)))
        for sample, view in zip(SAMPLES, views, strict=True)
    ]


def _post(service: str, ticket: Mapping[str, Any]) -> str:
    answer = _request(service, "POST", "/v1/tickets", ticket)
    ticket_id = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(ticket_id, str):
        raise DemoError(f"the service did not take a ticket: {answer}")
    return ticket_id


def _settled(service: str, ticket_id: str, give_up_at: float) -> dict[str, Any]:
    while True:
        view: dict[str, Any] = _request(service, "GET", f"/v1/tickets/{ticket_id}")
        if view["state"] != "accepted" or time.monotonic() > give_up_at:
            return view
        time.sleep(0.05)


def _is_for(ticket: Mapping[str, Any], view: Mapping[str, Any]) -> bool:
    return ticket["id"] == view["halo_ticket_id"] or view["id"] in (ticket["third_party_id_string"] or "")


def _request(server: str, method: str, path: str, body: Any = None) -> Any:
    """Return the JSON that a server of ours answers, whatever its status."""
    connection = HTTPConnection(server, timeout=PATIENCE_SECONDS)
    try:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError) as error:
        raise DemoError(f"{method} http://{server}{path}: {error}") from error
    finally:
        connection.close()


def _table(results: list[Result]) -> Table:
    table = Table(box=box.ROUNDED, show_lines=True, header_style="bold")
    for heading in ("Ticket", "Outcome", "Filed with", "Rules that fired"):
        table.add_column(heading, overflow="fold")
    for result in results:
        decision = result.view["decision"]
        rules = ((f"- {rule['title'] or _place(rule)}", "") for rule in decision["fired"])
        errors = [(f"- {error['variable']}: {error['value']}", "") for error in result.view["submission_errors"]]
        if errors:
            errors.insert(0, ("[Submission Errors]", "yellow"))
        table.add_row(
            _lines(
                (decision["action_variables"]["subject"], "bold"),
                (result.sample.ticket["email"], ""),
                (result.view["id"], "dim"),
            ),
            _outcome(result),
            _filed(result),
            _lines(*rules, *errors),
        )
    return table


def _outcome(result: Result) -> Text:
    refusal = result.view["decision"]["refused"]
    if refusal is not None:
        return _lines(("refused", "bold red"), (refusal, ""))
    if result.view["state"] != "filed":
        return _lines((result.view["state"], "bold red"))
    client = result.filed[0]["client"] if result.filed else ""
    return _lines((f"filed as {result.view['halo_ticket_id']}", "bold green"), (f"for {client}", "dim"))


def _filed(result: Result) -> Text:
    return _lines(
        *((f"{name} {ticket[name]}", "") for ticket in result.filed for name in ("priority", "team", "agent"))
    )


def _lines(*lines: tuple[str, str]) -> Text:
    """Return lines, each with its style; what senders wrote is never read as markup."""
    return Text("\n").join(Text(str(line), style=style) for line, style in lines)


def _place(rule: Mapping[str, Any]) -> str:
    return f"{rule['file']}:{rule['line']}"


@contextmanager
def _serving(app: FastAPI, name: str) -> Iterator[str]:
    """Serve an application on a free port from a thread of its own; yield its address as `host:port`."""
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        # No log: the table is what the demo has to say, and uvicorn's warnings still reach standard error.
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=3))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)
        thread.start()
        try:
            give_up_at = time.monotonic() + PATIENCE_SECONDS
            while not server.started:
                if not thread.is_alive() or time.monotonic() > give_up_at:
                    raise DemoError(f"{name} did not start")
                time.sleep(0.01)
            yield f"{_HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_SECONDS)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a termination end the demo as Ctrl-C does, and let a second one not cut short the cleaning up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    try:
        for number in before:
            signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for_ever() -> None:
    # In small steps: on Windows nothing else is woken by Ctrl-C.
    while True:
        time.sleep(0.5)
