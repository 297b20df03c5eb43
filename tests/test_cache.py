"""The folder that keeps what was found out of long files: rules decide the same with it, whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatcher import RuleSet
from dispatcher.lang import reading, stored
from dispatcher.lang.checker import check_module
from dispatcher.lang.facts import facts_of
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from dispatcher.tickets import TICKET_SCHEMA
from tests.lang.conformance.corpus import read_corpus

RULES = (
    "".join(
        f"if email == 'user{number}@x.example':\n    priority = {number}\n"
        f"if 'phrase {number}' in msg.lower() or hostname.startswith(('a{number}', 'b{number}')):  # {number}\n    team = 'T'\n"
        for number in range(30)
    )
    + "import re\ntried = [word for word in msg.split() if re.match('p', word)]\nif len(tried) > 1: state = 'Words'\n"
)
TICKET = {"email": "user7@x.example", "msg": "PHRASE 3 and phrases", "hostname": "b12-pc"}


def described(ruleset: RuleSet) -> dict[str, Any]:
    """Return a decision without the time of arrival."""
    return ruleset.decide(TICKET).to_dict() | {"received_at": ""}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a long rule file."""
    path = tmp_path / "long.rules"
    path.write_text(RULES)
    return path


@pytest.fixture
def kept(rules: Path, tmp_path: Path) -> Path:
    """Return the one file of a folder in which the rules were kept."""
    RuleSet.load(rules, cache=tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    return path


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process know no more of what it has read."""
    monkeypatch.setattr(reading, "_KEPT", reading._Kept())


def noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of texts that are parsed from now on."""
    texts: list[str] = []

    def note(source: Source) -> Any:
        texts.append(source.text)
        return parse(source)

    monkeypatch.setattr(reading, "parse", note)
    return texts


def test_rules_from_the_cache_decide_the_same(rules: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second load reads no rules, and decides as a load without a cache."""
    expected = described(RuleSet.load(rules))
    forget(monkeypatch)
    read = noted(monkeypatch)

    ruleset = RuleSet.load(rules, cache=kept.parent)

    assert read == []
    assert described(ruleset) == expected
    assert expected["action_variables"]["team"] == "T"
    # What runs is parsed when it runs.
    assert read != []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        "[1]",
        '[["if"]]',
        "\x00",
        "[" * 100_000,
        "é",
        "[[true,false,1,null,null,[],[[],[],[]],[],[],[]]]",
    ],
)
def test_what_is_no_cache_is_left_alone(rules: Path, kept: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was damaged is as good as none, and is written anew."""
    expected = described(RuleSet.load(rules))
    good = kept.read_text()
    kept.write_bytes(content.encode("latin-1"))
    forget(monkeypatch)

    assert described(RuleSet.load(rules, cache=kept.parent)) == expected
    assert kept.read_text() == good


def test_facts_of_other_statements_are_not_taken(rules: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with fewer or more facts than the rules have kinds of statements is not used."""
    expected = described(RuleSet.load(rules))
    facts = json.loads(kept.read_text())
    for wrong in (facts[:-1], [*facts, facts[0]]):
        kept.write_text(json.dumps(wrong))
        forget(monkeypatch)

        assert described(RuleSet.load(rules, cache=kept.parent)) == expected


def test_other_rules_and_variables_are_kept_apart(rules: Path, kept: Path) -> None:
    """Each text, and each set of declared variables, has a file of its own."""
    RuleSet.load(rules, cache=kept.parent, variables=["site"])
    rules.write_text(RULES + "state = 'B'\n")
    RuleSet.load(rules, cache=kept.parent)

    assert len(list(kept.parent.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_no_problem(rules: Path, tmp_path: Path) -> None:
    """Rules are loaded without a cache where there cannot be one."""
    (tmp_path / "file").write_text("")

    assert described(RuleSet.load(rules, cache=tmp_path / "file" / "cache")) == described(RuleSet.load(rules))


def test_facts_survive_json() -> None:
    """What is loaded is what was dumped, for every statement of the corpus."""
    count = 0
    for case in read_corpus():
        source = Source(case.program)
        module, problems = parse(source)
        if problems or any(p.severity == "error" for p in check_module(source, module, TICKET_SCHEMA)[1]):
            continue
        facts = [facts_of(statement, source, TICKET_SCHEMA) for statement in module.body]
        assert stored.load(stored.dump(facts)) == facts
        count += len(facts)
    assert count > 1000


def test_what_was_read_before_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file with one line changed, the statement of that line alone is parsed."""
    forget(monkeypatch)
    RuleSet.from_text(RULES)
    read = noted(monkeypatch)

    changed = RuleSet.from_text(RULES.replace("state = 'Words'", "state = 'Many'.upper()"))

    assert read == ["if len(tried) > 1: state = 'Many'.upper()"]
    assert changed.decide({"msg": "pa pb pc"}).action_variables["state"] == "MANY"
