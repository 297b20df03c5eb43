"""The emulator's own paths: its page, what it keeps as JSON, and the control of faults. None needs a token."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from service.emulator.faults import MOST_SECONDS, FaultPlan
from service.emulator.page import render_page, ticket_summary
from service.emulator.state import Emulator, TheEmulator

control = APIRouter()


class Down(BaseModel):
    """For how long to be away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: Annotated[float, Field(ge=0, le=MOST_SECONDS)]


@control.get("/")
async def page(emulator: TheEmulator) -> Response:
    """Show the tickets to a person."""
    html, headers = render_page(emulator.tenant, emulator.book.all(), _traffic(emulator))
    return HTMLResponse(html, headers=headers)


@control.get("/emulator/tickets")
async def tickets_as_json(emulator: TheEmulator) -> Response:
    """Return what the page shows."""
    return JSONResponse([ticket_summary(emulator.tenant, ticket) for ticket in emulator.book.all()])


@control.post("/emulator/reset")
async def reset(emulator: TheEmulator) -> Response:
    """Forget tickets and counts; tokens stay good, so that what is connected goes on working."""
    emulator.book.clear()
    emulator.calls.clear()
    return Response(status_code=204)


@control.get("/emulator/calls")
async def calls(emulator: TheEmulator) -> dict[str, int]:
    """Return how many requests each method and path of Halo's has had, refused and cut ones included."""
    return dict(sorted(emulator.calls.items()))


@control.put("/emulator/faults")
async def put_faults(plan: FaultPlan, emulator: TheEmulator) -> dict[str, Any]:
    """Put a plan of faults in force."""
    emulator.faults.replace(plan)
    return _faults(emulator)


@control.get("/emulator/faults")
async def get_faults(emulator: TheEmulator) -> dict[str, Any]:
    """Return the plan in force, and how many faults of each kind have happened under it."""
    return _faults(emulator)


@control.delete("/emulator/faults")
async def delete_faults(emulator: TheEmulator) -> dict[str, Any]:
    """Do without faults."""
    emulator.faults.replace(FaultPlan())
    return _faults(emulator)


@control.post("/emulator/down")
async def go_down(down: Down, emulator: TheEmulator) -> dict[str, Any]:
    """Cut every connection for so many seconds from now, those that wait for an answer too; 0 ends it."""
    emulator.faults.go_down(down.seconds)
    return _faults(emulator)


def _traffic(emulator: Emulator) -> str:
    """Return what happens to requests, for the page."""
    behaviour, faults = emulator.behaviour, emulator.faults
    limit = f"of {behaviour.rate_limit} " if behaviour.rate_limit else ""
    parts = [f"{emulator.rate_limit.used()} {limit}requests in the last {behaviour.rate_window_seconds} s"]
    if faults.plan.rates:
        parts.append(
            "faults: " + (", ".join(f"{kind} ×{n}" for kind, n in sorted(faults.happened.items())) or "none yet")
        )
    if faults.down_seconds():
        parts.append(f"down for {faults.down_seconds():.0f} s")
    return " · ".join(parts)


def _faults(emulator: Emulator) -> dict[str, Any]:
    faults = emulator.faults
    return {
        "plan": faults.plan.model_dump(mode="json"),
        "happened": dict(sorted(faults.happened.items())),
        "down_seconds": faults.down_seconds(),
    }
