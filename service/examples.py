"""Examples of the OpenAPI document: what the service really answers, as a test makes sure."""

from __future__ import annotations

from typing import Any

ID = "01kakz3x8r5w7m0c2f4h6j8n9p"

RULES = "# Emergencies first\nif 'This is an emergency' in selections:\n    priority = 1\n"

TICKET: dict[str, Any] = {
    "selections": ["This is an emergency"],
    "name": "Dan Jump",
    "email": "dan.jump@contoso.example",
    "hostname": "CONTOSO-LT-042",
    "business_name": "Contoso Ltd.",
    "msg": "Nobody on the second floor can print since this morning.",
}

NOW = "2026-11-21T09:30:00+01:00"

CHECK = {"rules": "if 'print' in msg:\n    team = tema\n", "filename": "printing.rules"}

DIAGNOSTIC: dict[str, Any] = {
    "code": "unknown-name",
    "severity": "error",
    "message": "nothing is called `tema`",
    "file": "printing.rules",
    "line": 2,
    "column": 12,
    "end_line": 2,
    "end_column": 16,
    "help": "did you mean `team`?",
    "source": "    team = tema",
    "edits": [{"line": 2, "column": 12, "end_line": 2, "end_column": 16, "text": "team"}],
}

CHECKED = {"diagnostics": [DIAGNOSTIC]}

DRY_RUN = {"rules": RULES, "ticket": TICKET, "now": NOW}

DECISION: dict[str, Any] = {
    "action_variables": {
        "priority": 1,
        "state": None,
        "team": None,
        "ticketType": None,
        "agent": None,
        "category_1": None,
        "category_2": None,
        "category_3": None,
        "category_4": None,
        "impact": None,
        "urgency": None,
        "subject": "Nobody on the second floor can print since this",
        "msg": "Nobody on the second floor can print since this morning.",
        "append": "",
        "priv_append": "",
        "customfield": {},
        "exception": None,
        "selections": "This is an emergency",
        "name": "Dan Jump",
        "email": "dan.jump@contoso.example",
        "ip": "",
        "mac": "",
        "hostname": "CONTOSO-LT-042",
        "business_name": "Contoso Ltd.",
    },
    "other_variables": {},
    "changes": [{"variable": "priority", "file": "<rules>", "line": 3, "old": None, "new": 1}],
    "fired": [{"file": "<rules>", "line": 2, "title": "Emergencies first"}],
    "not_fired": [],
    "faults": [],
    "refused": None,
    "prints": "",
    "steps": 4,
    "revision": "873990951db83b9874fccde527be8edc00e43edefa80f89de0a4dd9f7f432b8d",
    "received_at": NOW,
    "unused_keys": [],
}

# The note is longer in truth.
DRY_RUN_ANSWER: dict[str, Any] = {
    **DECISION,
    "would_send": {
        "ticket": {
            "summary": "Nobody on the second floor can print since this",
            "details_html": "Nobody on the second floor can print since this morning.",
            "priority": 1,
            "agent": "Unassigned",
            "user": "dan.jump@contoso.example",
            "asset": "CONTOSO-LT-042",
        },
        "note": "Report\n  Name: Dan Jump\n  E-mail: dan.jump@contoso.example",
    },
}

KEPT_DECISION: dict[str, Any] = {**DECISION, "looked_up": {}}

ACCEPTED: dict[str, Any] = {"id": ID, "state": "accepted", "decision": KEPT_DECISION}

_SUMMARY: dict[str, Any] = {
    "id": ID,
    "state": "filed",
    "subject": "Nobody on the second floor can print since this",
    "halo_ticket_id": 2041,
    "halo_note_id": 2,
    "attempts": 2,
    "last_error": None,
    "created_at": "2026-11-21T08:30:00.120Z",
    "updated_at": "2026-11-21T08:30:01.480Z",
}

TICKET_VIEW: dict[str, Any] = {
    **_SUMMARY,
    "decision": KEPT_DECISION,
    "defaults": {},
    "submission_errors": [],
    "remarks": [],
}

TICKET_PAGE: dict[str, Any] = {"tickets": [_SUMMARY], "next": ID}

ATTEMPT_LOG: dict[str, Any] = {
    "attempts": [
        {
            "number": 1,
            "stage": "ticket",
            "started_at": "2026-11-21T08:30:00.140Z",
            "ended_at": "2026-11-21T08:30:00.310Z",
            "result": "failed",
            "status": 503,
            "answer": "POST Tickets: Halo answered 503 Service Unavailable: nothing (an empty answer).",
            "worker": "msp-1-4711-9f3a2c",
        }
    ]
}

REPLAY = {"defaults": {"ticketType": "Incident", "priority": 3}}

REPLAYED = {"replayed": 12}

RESOLVE = {"halo_ticket_id": 2041}

HEALTH = {"status": "ok", "revision": DECISION["revision"]}

READY: dict[str, Any] = {
    "status": "ready",
    "checks": {
        "database": {"ok": True, "detail": "it can be written"},
        "backlog": {"ok": True, "detail": "3 tickets wait, the oldest for 2 s; the alarm is at 900 s"},
        "rules": {"ok": True, "detail": "revision 87399095 decides"},
        "halo": {"ok": True, "detail": "not known to be away"},
        "look-ups": {"ok": True, "detail": "they are 212 s old"},
        "worker": {"ok": True, "detail": "it last looked at the queue 0 s ago"},
    },
}

NOT_READY = {**READY["checks"], "halo": {"ok": False, "detail": "away for 312 s"}}
