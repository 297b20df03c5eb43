"""The rules that are measured: upstream's examples, and files of any length made from a seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.bench.tickets import Plant

EXAMPLES = Path(__file__).parents[2] / "rules_examples"
# Those from upstream's manual, in the order of its README.
UPSTREAM = (
    "emergency",
    "emergency_subject",
    "vip_client",
    "vip_user",
    "exclamations",
    "script_findings",
    "refusals",
    "capitals",
    "impact_urgency",
    "email_domains",
    "subject_length",
)
WITH_TEXTWRAP = "subject_length"

# A condition in CEL, and the variable and value that it sets.
Condition = tuple[str, str, Any]


@dataclass(frozen=True, slots=True)
class AsFunction:
    """Rules as the text of a function `rules` that takes ticket variables and returns those that it may write."""

    text: str
    parameters: tuple[str, ...]
    results: tuple[str, ...]

    def values(self, returned: Any) -> Mapping[str, Any]:
        """Return what was returned by the variables' names."""
        return dict(zip(self.results, returned, strict=True))


@dataclass(frozen=True, slots=True)
class Written:
    """Rules as text, and by what tickets come to concern them.

    `conditions` are the same rules for engines that know conditions only: one in CEL, and what it sets. `function` is
    there where peers get it ready made, since translating is no work of theirs.
    """

    text: str
    plants: tuple[Plant, ...] = ()
    conditions: tuple[Condition, ...] = ()
    function: AsFunction | None = None


def example(name: str) -> str:
    """Return an example's text, with `==` where upstream writes `is` beside a literal.

    The reference needs it, where `is` would ask for the same object.
    """
    text = (EXAMPLES / name / f"{name}.rules").read_text(encoding="utf-8")
    return re.sub(r"\bis (?='|\d)", "== ", text).rstrip("\n") + "\n"


def simple() -> Written:
    """Return upstream's first example."""
    return Written(example("emergency"), (), (("selections.contains('This is an emergency')", "priority", 0),))


def capitals() -> Written:
    """Return upstream's rule that counts capital letters."""
    return Written(example("capitals"))


def upstream(*, textwrap: bool) -> Written:
    """Return all of upstream's examples as one file, or those that do not wrap text."""
    return Written("\n".join(example(name) for name in UPSTREAM if textwrap or name != WITH_TEXTWRAP))


def alike(count: int) -> Written:
    """Return rules of two shapes: half of them know users, half of them phrases."""
    text: list[str] = []
    plants: list[Plant] = []
    conditions: list[Condition] = []
    for number in range(count):
        if number % 2 == 0:
            user = f"user{number}@client{number % 97}.example"
            text.append(f"if email == '{user}':\n    priority = 1\n")
            plants.append(("email", user))
            conditions.append((f"email == '{user}'", "priority", 1))
        else:
            phrase, team = f"phrase{number}", f"Team {number % 50}"
            text.append(f"if '{phrase}' in msg:\n    team = '{team}'\n")
            plants.append(("msg", phrase))
            conditions.append((f"msg.contains('{phrase}')", "team", team))
    return Written("".join(text), tuple(plants), tuple(conditions))


# --- mixed rules


def mixed(count: int, seed: int = 5) -> Written:
    """Return rules as a file has them that grew for years.

    Each is for a few users, computers, clients or phrases, as one of `KINDS` writes it; one in ten of them reads what
    others write, too. One in 500 looks at nothing but what others write, as closing rules do.
    """
    random = Random(seed)
    made = [
        random.choice(CLOSING if number % CLOSING_EVERY == 0 else KINDS)(random, number)
        for number in range(1, count + 1)
    ]
    text = "\n".join(f"# Rule {number}\n{rule.text}" for number, rule in enumerate(made, 1))
    return Written(text, tuple(plant for rule in made for plant in rule.plants))


def _user_and_phrase(random: Random, n: int) -> Written:
    user, phrase = f"user{n}@client{n % 97}.example", f"error E{n:05d}"
    text = f"if email == '{user}' and '{phrase}' in msg:\n    priority = 1\n    team = 'Team {n % 50}'\n"
    return Written(text, (("email", user), ("msg", phrase)))


def _phrases(random: Random, n: int) -> Written:
    one, other = f"device D{n:05d}", f"asset A{n:05d}"
    text = f"if '{one}' in msg or '{other}' in msg:\n    category_1 = 'Hardware>Device {n % 200}'\n"
    return Written(text, (("msg", one), ("msg", other)))


def _any_case(random: Random, n: int) -> Written:
    phrase = f"Project P{n:05d}"
    text = (
        f"if '{phrase.lower()}' in msg.lower() and 'newsletter' not in msg.lower():\n"
        f"    team = 'Projects {n % 30}'\n    category_2 = 'Project>{n}'\n"
    )
    return Written(text, (("msg", phrase),))


def _host_names(random: Random, n: int) -> Written:
    text = (
        f"if hostname.startswith('LT{n:05d}'):\n    category_1 = 'Hardware>Laptop'\n    impact = 3\n"
        f"elif hostname.startswith('WS{n:05d}') or hostname == 'SRV-{n:05d}':\n    category_1 = 'Hardware>Desktop'\n"
    )
    return Written(text, (("hostname", f"LT{n:05d}-2"), ("hostname", f"SRV-{n:05d}")))


def _listed(random: Random, n: int) -> Written:
    users = [f"{role}{n}@partner{n % 89}.example" for role in ("it", "cfo", "office", "info")[: random.randint(2, 4)]]
    text = f"if email in {users!r}:\n    priority = {random.randint(1, 4)}\n    agent = 'Agent {n % 40}'\n"
    return Written(text, (("email", users[0]), ("email", users[-1])))


def _client_and_length(random: Random, n: int) -> Written:
    client = f"Client {n}"
    text = (
        f"if business_name == '{client}' and len(msg) > {random.randint(2, 9) * 50}:\n    urgency = 1\n"
        f"elif business_name == '{client}':\n    urgency = 3\n    priv_append = priv_append + 'Short message.'\n"
    )
    return Written(text, (("business_name", client),))


def _domain(random: Random, n: int) -> Written:
    domain = f"@company{n}.example"
    text = f"if email.lower().endswith('{domain}') and not 'unsubscribe' in msg:\n    ticketType = 'Service {n % 20}'\n"
    return Written(text, (("email", f"Somebody{domain}"),))


def _ticked(random: Random, n: int) -> Written:
    form = f"Form {n:05d}"
    text = (
        f"if '{form}' in selections and ('today' in msg or 'emergency' in selections):\n    priority = 1\n"
        f"elif '{form}' in selections:\n    priority = 3\n    state = 'Waiting'\n"
    )
    return Written(text, (("selections", form),))


def _better(random: Random, n: int) -> Written:
    user = f"vip{n}@client{n % 97}.example"
    text = (
        f"if email == '{user}' and priority > 1:\n    priority = priority - 1\n    subject = '[VIP {n}] ' + subject\n"
    )
    return Written(text, (("email", user),))


def _teams_phrase(random: Random, n: int) -> Written:
    phrase = f"machine M{n:05d}"
    text = (
        f"if '{phrase}' in msg and (team == 'Team {n % 50}' or not team) and not impact < 2:\n"
        f"    agent = 'Agent {n % 40}'\n    impact = 2\n"
    )
    return Written(text, (("msg", phrase),))


def _urgent_team(random: Random, n: int) -> Written:
    return Written(f"if priority == 1 and team == 'Team {n % 50}':\n    agent = 'Agent {n % 40}'\n")


def _sum(random: Random, n: int) -> Written:
    return Written(f"if impact + urgency <= {n % 3 + 1} and not state == 'Waiting':\n    category_3 = 'Major>{n}'\n")


_Kind = Callable[[Random, int], Written]
_PLAIN = (_user_and_phrase, _phrases, _any_case, _host_names, _listed, _client_and_length, _domain, _ticked)
KINDS: tuple[_Kind, ...] = (*_PLAIN * 4, _better, _better, _teams_phrase, _teams_phrase)
CLOSING: tuple[_Kind, ...] = (_urgent_team, _sum)
CLOSING_EVERY = 500


# --- rules of which no two have the same shape


def different(count: int, seed: int = 6) -> Written:
    """Return rules that differ in more than their literals."""
    random = Random(seed)
    shapes: set[str] = set()
    text: list[str] = []
    while len(text) < count:
        number = len(text)
        condition = _condition(random, number, depth=2)
        actions = random.sample(_ACTIONS, random.randint(1, 4))
        rule = "".join((f"if {condition}:\n", *(f"    {action.format(number)}\n" for action in actions)))
        shape = re.sub(r"'[^']*'|\d+", "_", rule)
        if shape not in shapes:
            shapes.add(shape)
            text.append(rule)
    return Written("".join(text))


_ACTIONS = (
    "priority = 1",
    "team = 'Team {}'",
    "state = 'State {}'",
    "agent = 'Agent {}'",
    "category_1 = 'Hardware>{}'",
    "category_2 = 'Software>{}'",
    "impact, urgency = 1, 2",
    "priv_append += 'Rule {} fired.'",
    "subject = f'[{}] {{subject}}'",
)
_ATOMS = (
    "'phrase {}' in {text}",
    "'word {}' not in {text}.lower()",
    "{text} == 'exactly {}'",
    "{text}.startswith('begin {}')",
    "{text}.upper().endswith('END {}')",
    "{text} in ['one {}', 'two {}']",
    "len({text}) > {}",
    "{text}.count('x') == {}",
)
_TEXTS = ("msg", "email", "name", "hostname", "selections", "business_name", "append")


def _condition(random: Random, number: int, depth: int) -> str:
    if depth and random.random() < 0.7:
        parts = [_condition(random, number, depth - 1) for _ in range(random.randint(2, 3))]
        joined = random.choice((" and ", " or ")).join(parts)
        return f"not ({joined})" if random.random() < 0.2 else f"({joined})"
    return random.choice(_ATOMS).replace("{text}", random.choice(_TEXTS)).replace("{}", str(number))
