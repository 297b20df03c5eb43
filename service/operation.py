"""The addresses for those who watch over the service: does it run, does it keep up, and its numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service import examples, models
from service.deciding import ActiveRules
from service.metrics import CONTENT_TYPE_LATEST, Metrics
from service.problems import ANY, JsonAnswer, JsonRoute, Problem, described
from service.readiness import Readiness
from service.store import Store

_TEXT = {"text/plain": {"schema": {"type": "string"}}}

router = APIRouter(route_class=JsonRoute, tags=["operation"], responses={"default": ANY})


async def _store(request: Request) -> Store:
    return request.app.state.store  # type: ignore[no-any-return]


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="See whether the service runs", response_model=models.Health)
def healthz(request: Request, store: Annotated[Store, Depends(_store)]) -> JsonAnswer:
    """That the service runs and reaches its database, and which rules it has."""
    store.get("")
    rules: ActiveRules | None = getattr(request.app.state, "rules", None)
    return JsonAnswer({"status": "ok", "revision": None if rules is None else rules.ruleset.revision})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="See whether the service keeps up",
    response_model=models.Ready,
    responses={
        503: described(
            "Something needs attention; tickets are taken for as long as the database can be written.",
            503,
            "not ready: halo",
            kind="not-ready",
            title="Not ready",
            checks=examples.NOT_READY,
        )
    },
)
async def readyz(request: Request) -> JsonAnswer:
    """That what comes in is also filed: the database, Halo and its look-ups, the worker, the age of the backlog."""
    readiness: Readiness = request.app.state.readiness
    found = await readiness.look()
    checks = {name: asdict(check) for name, check in found.items()}
    if failed := [name for name, check in found.items() if not check.ok]:
        detail = f"not ready: {', '.join(failed)}"
        raise Problem(503, detail, kind="not-ready", title="Not ready", checks=checks)
    return JsonAnswer({"status": "ready", "checks": checks})


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"description": "Counters of this process and gauges of the service.", "content": _TEXT}},
)
def metrics(request: Request) -> Response:
    """Tickets, decisions, requests to Halo, backlog and budget, as Prometheus reads them."""
    counted: Metrics = request.app.state.metrics
    return Response(counted.text(), media_type=CONTENT_TYPE_LATEST)
