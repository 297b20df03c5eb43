"""The token endpoint and the tokens it gave out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from service.emulator.behaviour import Behaviour
from service.emulator.records import Agent, Application, Tenant, with_id
from service.emulator.refusals import forbidden, refused_grant, something_went_wrong, unauthorised


@dataclass(frozen=True, slots=True)
class Session:
    """Who calls: the login agent of an application, and the scopes fixed when the token was given."""

    agent: Agent
    scopes: frozenset[str]
    expires_at: datetime
    claims: Mapping[str, Any]


@dataclass(slots=True)
class Tokens:
    """Gives out access tokens and tells whose they are."""

    tenant: Tenant
    behaviour: Behaviour
    clock: Callable[[], datetime]
    _sessions: dict[str, Session] = field(default_factory=dict)
    _signing_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def grant(self, body: bytes, tenant_in_query: str | None) -> dict[str, Any]:
        """Return the answer to one token request, or refuse it."""
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        application = self._application(form, tenant_in_query or form.get("tenant"))
        agent = with_id(self.tenant.agents, application.agent_id) if application.agent_id is not None else None
        if agent is None:
            raise something_went_wrong()
        if not hmac.compare_digest(form.get("client_secret", "").encode(), application.client_secret.encode()):
            raise refused_grant(
                HTTPStatus.UNAUTHORIZED, "invalid_client", "The specified client credentials are invalid."
            )
        if form.get("grant_type") != "client_credentials":
            raise refused_grant(
                HTTPStatus.BAD_REQUEST, "unsupported_grant_type", "The specified grant type is not supported."
            )
        scopes = frozenset(form.get("scope", "all").split())
        if not scopes or not scopes <= application.scopes:
            raise refused_grant(
                self.behaviour.invalid_scope_status, "invalid_scope", "The specified scope is not valid."
            )
        return self._issue(agent, scopes, application)

    def session(self, authorization: str, scope: str | None) -> Session:
        """Return who holds this Authorization header; refuse when the token or its scopes do not do."""
        scheme, _, token = authorization.partition(" ")
        session = self._sessions.get(token.strip()) if scheme.lower() == "bearer" else None
        if session is None or session.expires_at <= self.clock():
            raise unauthorised(self.behaviour.unauthorised_body)
        # Scopes only narrow what the agent's role allows.
        if scope is not None and not (_allows(session.scopes, scope) and _allows(session.agent.may, scope)):
            raise forbidden(self.behaviour.forbidden_body)
        return session

    def expire(self) -> None:
        """End all tokens at once."""
        self._sessions.clear()

    def _application(self, form: dict[str, str], tenant: str | None) -> Application:
        # An unknown client id and a wrong tenant crash the real endpoint; on-prem there is no tenant to name.
        if tenant and tenant.lower() != self.tenant.name:
            raise something_went_wrong()
        wanted = form.get("client_id", "")
        for application in self.tenant.applications:
            if application.client_id == wanted:
                return application
        raise something_went_wrong()

    def _issue(self, agent: Agent, scopes: frozenset[str], application: Application) -> dict[str, Any]:
        now = self.clock()
        expires_at = now + timedelta(seconds=self.behaviour.token_seconds)
        self._sessions = {token: session for token, session in self._sessions.items() if session.expires_at > now}
        token = secrets.token_urlsafe(48)
        claims = {
            "sub": str(agent.id),
            "name": agent.name,
            "aud": application.client_id,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        self._sessions[token] = Session(agent, scopes, expires_at, claims)
        return {
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": self.behaviour.token_seconds,
            "refresh_token": secrets.token_urlsafe(48),
            "id_token": self._sign(claims),
        }

    def _sign(self, claims: dict[str, Any]) -> str:
        signed = f"{_base64url({'alg': 'HS256', 'typ': 'JWT'})}.{_base64url(claims)}"
        digest = hmac.new(self._signing_key, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _allows(scopes: frozenset[str], wanted: str) -> bool:
    access, _, area = wanted.partition(":")
    return bool(scopes & {"all", "all:standard", wanted} or (access == "read" and f"edit:{area}" in scopes))


def _base64url(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
