"""The REST interface to what Halo says of the names in the rules in force."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from service.models import Diagnostic
from service.names import NamesCheck
from service.problems import ANY, JsonAnswer, JsonRoute

EXAMPLE: dict[str, Any] = {
    "checked_at": "2026-11-21T08:30:00Z",
    "revision": "8c1f" * 16,
    "error": None,
    "diagnostics": [
        {
            "code": "renamed-in-halo",
            "severity": "error",
            "message": "the team `Infrastructure` (id 5) is called `Platform` in Halo now",
            "file": "10-desk.rules",
            "line": 2,
            "column": 12,
            "end_line": 2,
            "end_column": 28,
            "help": "write `Platform`",
            "source": "    team = 'Infrastructure'",
            "edits": [{"line": 2, "column": 12, "end_line": 2, "end_column": 28, "text": "'Platform'"}],
        }
    ],
}

router = APIRouter(prefix="/v1/rules", tags=["rules"], route_class=JsonRoute, responses={"default": ANY})


class NamesState(BaseModel):
    """What the last look at the names in the rules in force has found."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    checked_at: str | None = Field(description="When Halo's names were looked up; null: not yet, or never.")
    revision: str | None = Field(description="Digest of the rules that were looked at.")
    error: str | None = Field(description="Why the last look failed; what stands here is then of the one before.")
    diagnostics: list[Diagnostic]


async def _names(request: Request) -> NamesCheck:
    return request.app.state.names  # type: ignore[no-any-return]


@router.get("/names", summary="See which names in the rules Halo does not know", response_model=NamesState)
async def get_names(names: Annotated[NamesCheck, Depends(_names)]) -> JsonAnswer:
    """Names that are unknown, inactive or ambiguous in Halo, or renamed or deleted there, as of the last look."""
    return JsonAnswer(names.state())
