"""Hypothesis strategies: small rule files in which each write of a ticket variable has a line, and tickets for them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.lang.long_files import conditions as any_condition

TEXTS = ("'a'", "'b'", "'vpn'", "'Desk'")
_TARGETS = ("team", "state", "priority", "msg", "subject", "priv_append")
_VIEWS = ("msg", "msg.lower()", "subject", "email", "selections", "str(team)", "str(state)")

_texts = st.sampled_from(TEXTS)
_plain = st.one_of(
    st.builds("{} in {}".format, _texts, st.sampled_from(_VIEWS)),
    st.builds("{} == {}".format, st.sampled_from(("team", "state", "priority", "msg")), _texts),
    st.builds("{}.startswith({})".format, st.sampled_from(_VIEWS), _texts),
    st.sampled_from(("team", "priority is None", "len(msg) > 3")),
)
conditions = st.recursive(
    _plain,
    lambda part: st.one_of(
        st.builds("({} and {})".format, part, part),
        st.builds("({} or {})".format, part, part),
        st.builds("(not {})".format, part),
    ),
    max_leaves=4,
)
_writes = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(_TARGETS), _texts),
    st.builds("{} = {}".format, st.sampled_from(_TARGETS), _texts),
    st.builds("{} = str({}) + {}".format, st.sampled_from(_TARGETS), st.sampled_from(_TARGETS), _texts),
    st.builds("priv_append += {}".format, _texts),
    st.just("customfield['x'] = team"),
)


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _if(condition: str, body: list[str], other: str, second: list[str], last: list[str]) -> list[str]:
    lines = [f"if {condition}:", *_indented(body)]
    if second:
        lines += [f"elif {other}:", *_indented(second)]
    return [*lines, "else:", *_indented(last)] if last else lines


def _for(body: list[str]) -> list[str]:
    return ["for item in ['a', 'vpn', team]:", *_indented(body)]


_single = _writes.map(lambda line: [line])
_blocks = st.recursive(
    _single,
    lambda inner: st.one_of(
        st.builds(_if, conditions, inner, conditions, st.one_of(st.just([]), inner), st.one_of(st.just([]), inner)),
        st.builds(_for, inner),
        st.builds(lambda one, two: [*one, *two], inner, inner),
    ),
    max_leaves=4,
)
files = st.lists(_blocks, min_size=1, max_size=6).map(
    lambda blocks: "\n".join(line for block in blocks for line in block)
)
odd_conditions = any_condition
tickets: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "msg": st.sampled_from(("a", "vpn is down", "Desk b", "")),
        "subject": st.sampled_from(("a b", "VPN")),
        "email": st.sampled_from(("a@b", "vpn@desk")),
        "team": st.sampled_from(("Desk", "a")),
        "priority": st.sampled_from(("a", 1)),
        "selections": st.just(["b", "vpn"]),
    },
)
