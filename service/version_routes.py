"""The REST interface to versions of rules: their history, publishing, and going back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request

from dispatcher import RulesError
from dispatcher.testing import Report, run_given
from service import examples, viewing
from service import version_models as models
from service.access import sender_of
from service.deciding import on_the_side
from service.following import Follower
from service.problems import ANY, UNREADABLE, JsonAnswer, JsonRoute, Problem, described, rules_invalid
from service.publishing import ChangeRequest, Publication, Publisher, RejectedRulesError, UnfitRequestError
from service.settings import Settings
from service.testing_routes import MOST_SECONDS, until
from service.versions import (
    SHORTEST,
    ChangedMeanwhileError,
    NoRevisionError,
    RuleSettings,
    UnusableRevisionError,
    Versions,
)
from service.viewing import MOST

Result = TypeVar("Result")
_Answers = dict[int | str, dict[str, Any]]

# What the history calls somebody who needs no API key.
NOBODY = "this computer, without an API key"

_NONE: _Answers = {
    404: described(
        "There is no such revision.", 404, "no rules that were in force have a revision that begins with ..."
    )
}
_CHANGED: _Answers = {
    412: described(
        "Other rules are in force than `If-Match` says, or came into force while these were checked.",
        412,
        "other rules came into force: revision 41f3c7ad, by rules repository on 2026-11-21T08:12:44.031Z; ...",
        kind="rules-changed",
        title="Other rules are in force",
    )
}
_REFUSED: _Answers = {
    422: described(
        "The rules have errors, fail their tests or cannot decide, or the request does not fit.",
        422,
        "10-vip.rules:2:12: nothing is called `tema`",
        kind="rules-invalid",
        title="Rules with errors",
        diagnostics=[examples.DIAGNOSTIC],
    )
}

router = APIRouter(prefix="/v1/rules/versions", tags=["versions"], route_class=JsonRoute, responses={"default": ANY})


async def _versions(request: Request) -> Versions:
    return request.app.state.versions  # type: ignore[no-any-return]


async def _if_match(
    if_match: Annotated[
        str | None,
        Header(
            pattern=rf'^\s*(\*|(W/)?"[0-9a-f]{{{SHORTEST},64}}"|[0-9a-f]{{{SHORTEST},64}})\s*$',
            description="The revision that must be in force, as `ETag` gives it: else nothing is changed.",
        ),
    ] = None,
) -> str | None:
    # Proxies that compress answers make tags weak.
    wanted = (if_match or "*").strip().removeprefix("W/").strip('"')
    return None if wanted == "*" else wanted


AllVersions = Annotated[Versions, Depends(_versions)]
Expected = Annotated[str | None, Depends(_if_match)]


@router.get("", summary="List the versions of the rules", response_model=models.History)
def list_versions(
    versions: AllVersions,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="`next` of a page.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> JsonAnswer:
    """Which rules were in force since when, by whom and why; the first is in force. `ETag` is its revision."""
    # Asked before: who sends the tag back has seen all that it stands for.
    active = versions.active()
    page = viewing.history(versions, limit, before)
    return JsonAnswer(page, headers={} if active is None else {"ETag": f'"{active.revision}"'})


@router.post(
    "",
    summary="Publish rules",
    status_code=201,
    response_model=models.Publication,
    responses={
        **UNREADABLE,
        **_CHANGED,
        **_REFUSED,
        200: {
            "model": models.Publication,
            "description": "Nothing was changed: a dry run, or rules that are in force.",
        },
    },
)
async def publish(request: Request, body: models.PublishRequest, expected: Expected) -> JsonAnswer:
    """Put rules in force, once they have passed: without errors, with tests that pass, and within their budget.

    Here they are when the answer comes, and in other processes seconds later; no ticket is decided by both. All tests
    together have 10 seconds.
    """
    change = ChangeRequest(_author(request), body.comment, expected, body.dry_run)
    run_tests = None if body.tests is None else partial(_run_tests, body.files, body.tests, body.tickets)
    allowed = body.allow_failing_tests
    publishing = partial(_publisher(request).publish, body.files, change, run_tests, allow_failing_tests=allowed)
    return await _answer(request, publishing)


@router.get("/{revision}", summary="See the rules of a revision", response_model=models.Revision, responses=_NONE)
def get_revision(revision: str, versions: AllVersions) -> JsonAnswer:
    """The rule files of a revision, and when they were in force. Its first eight characters will do."""
    return JsonAnswer(_found(partial(viewing.revision, versions, revision)))


@router.get(
    "/{revision}/diff",
    summary="See what a revision changed",
    response_model=models.Difference,
    responses=_NONE,
)
def get_difference(
    revision: str,
    versions: AllVersions,
    against: Annotated[str | None, Query(description="The older one; left out: what was in force before.")] = None,
) -> JsonAnswer:
    """What is different between two revisions, file by file."""
    return JsonAnswer(_found(partial(viewing.difference, versions, against, revision)))


@router.post(
    "/{revision}/activate",
    summary="Go back to earlier rules",
    status_code=201,
    response_model=models.Publication,
    responses={
        **UNREADABLE,
        **_NONE,
        **_CHANGED,
        200: {"model": models.Publication, "description": "Nothing was changed: these rules are in force."},
        409: described(
            "The rules cannot be used by this version of dispatcher, or with its settings.",
            409,
            "the rules of revision 41f3c7ad have errors for this version of dispatcher and these settings: ...",
            kind="revision-unusable",
            title="Revision cannot be used",
        ),
    },
)
async def activate(
    request: Request,
    revision: str,
    versions: AllVersions,
    expected: Expected,
    body: models.ActivateRequest | None = None,
) -> JsonAnswer:
    """Put rules in force again that were, with the settings of today. The history keeps what was in between."""
    change = ChangeRequest(_author(request), "" if body is None else body.comment, expected)
    publisher = _publisher(request)
    return await _answer(request, lambda: publisher.activate(versions.resolve(revision), change))


def _run_tests(files: Mapping[str, str], tests: str, tickets: Mapping[str, Mapping[str, Any]]) -> Report:
    return run_given(files, tests, tickets, go_on=until(time.monotonic() + MOST_SECONDS))


def _publisher(request: Request) -> Publisher:
    settings: Settings = request.app.state.settings
    return Publisher(request.app.state.versions, RuleSettings.of(settings), settings.zone)


def _author(request: Request) -> str:
    return sender_of(request.scope) or NOBODY


async def _answer(request: Request, change: Callable[[], Publication]) -> JsonAnswer:
    """Carry out a change of the rules in force, have it in force here, and return its answer."""
    done = await on_the_side(partial(_found, change))
    if done.version is None:
        return JsonAnswer(done.to_dict())
    follower: Follower = request.app.state.follower
    await follower.look()
    place = {"Location": f"/v1/rules/versions/{done.revision}", "ETag": f'"{done.revision}"'}
    return JsonAnswer(done.to_dict(), 201, place)


def _found(call: Callable[[], Result]) -> Result:
    """Return what a call gives; Problem if it refuses."""
    try:
        return call()
    except NoRevisionError as error:
        raise Problem(404, str(error)) from None
    except ChangedMeanwhileError as error:
        raise Problem(
            412,
            str(error),
            kind="rules-changed",
            title="Other rules are in force",
            active=error.active.to_dict(active=True),
        ) from None
    except UnusableRevisionError as error:
        raise Problem(409, str(error), kind="revision-unusable", title="Revision cannot be used") from None
    except RulesError as error:
        raise rules_invalid(error) from None
    except RejectedRulesError as error:
        tests = {} if error.report is None else {"tests": error.report.to_dict()}
        raise Problem(422, str(error), kind="rules-rejected", title="Rules not published", **tests) from None
    except UnfitRequestError as error:
        raise Problem(422, str(error), kind="invalid-request") from None
