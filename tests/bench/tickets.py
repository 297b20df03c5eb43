"""Tickets as users write them, made from a seed: the same for everybody who is measured.

They vary in length, case, punctuation and alphabet, and what rules look for is planted in some of them. None makes a
rule of the workloads fail, since that would end the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

Ticket = dict[str, Any]
# A variable and the text by which some rule knows a ticket: added to longer texts, and in place of others.
Plant = tuple[str, str]

# How many plants a ticket has, by weight: half of the tickets concern no rule in particular.
PLANTED = {0: 50, 1: 35, 2: 15}

PEOPLE = {
    "Dan Jump": "dan.jump",
    "Nancy Davolio": "Nancy.Davolio",
    "Karen": "karen",
    "Priya Nair": "priya.nair",
    "Jürgen Müller": "juergen.mueller",
    "Zoë Ström": "zoe",
    "Ann Beebe": "Ann.Beebe",
    "Tony Wang": "wangt",
}
CLIENTS = ("Contoso Ltd.", "Fabrikam, Inc.", "Litware", "Tailspin Toys", "Woodgrove Bank", "Northwind Traders")
DOMAINS = ("contoso.com", "fabrikam.example", "litware.example", "example.com", "example.xyz", "Woodgrovebank.com")
SELECTIONS = (
    "This is an emergency",
    "It affects only me",
    "New employee",
    "Medium - Departments or large group of users are affected",
    "High - Whole company is affected",
    "Medium - Business is degraded, but there is a reasonable workaround",
    "High - Critical - Major business processes are stopped",
)
SENTENCES = (
    "The printer on the second floor does not print since this morning",
    "I cannot log in to the terminal server, it says my password has expired",
    "Outlook asks for the password again and again",
    "Please set up a new laptop for our colleague who starts next Monday",
    "Teams has no sound, neither with the headset nor with the speakers",
    "The VPN drops every few minutes when I work from home",
    "I have got a suspicious e-mail with an attachment and did not open it",
    "Excel crashes as soon as I open the budget of last year",
    "The scanner puts the files into the wrong folder",
    "My second screen stays black after the update",
    "We need access to the shared mailbox of the sales team",
    "The Wi-Fi in the meeting room is very slow",
    "Could you call me back this afternoon, I am in the office until five",
    "The backup of the file server reports an error, code 0x80070005",
    "Somebody deleted the folder with the contracts, can it be restored",
    "The telephone at the front desk shows no caller names",
)
ENDS = (*[". "] * 6, ".\n", ".\n", "! ")
# Begin one message in eight, since not all is written in ASCII.
FOREIGN_SENTENCES = (
    "Der Drucker im Büro druckt nur noch grüne Seiten",
    "La caméra de la salle de réunion ne marche plus – même après un redémarrage",
    "The invoice shows 1.200 € instead of 120 €",
)


def pool(random: Random, count: int, plants: Sequence[Plant] = (), length: int | None = None) -> list[Ticket]:
    """Return tickets; their messages have one to six sentences, or exactly `length` characters."""
    return [_ticket(random, plants, length) for _ in range(count)]


def _ticket(random: Random, plants: Sequence[Plant], length: int | None) -> Ticket:
    name, mailbox = random.choice(list(PEOPLE.items()))
    ticket: Ticket = {
        "name": name,
        "email": f"{mailbox}@{random.choice(DOMAINS)}",
        "ip": f"10.20.{random.randrange(256)}.{random.randrange(1, 255)}",
        "mac": ":".join(f"{random.randrange(256):02X}" for _ in range(6)),
        "hostname": f"{random.choice(('CON', 'FAB', 'LIT'))}-{random.choice(('LT', 'WS', 'SQL'))}-{random.randrange(999)}",
        "business_name": random.choice(CLIENTS),
        "selections": [text for text in SELECTIONS if random.random() < 0.12],
        "msg": _message(random, length),
        "append": "calibration_issue: 3 of 12" if random.random() < 0.1 else "",
    }
    number = random.choices(list(PLANTED), list(PLANTED.values()))[0] if plants else 0
    for variable, text in random.sample(plants, min(number, len(plants))):
        if variable == "msg" and length is None:
            ticket["msg"] += f" {text}."
        elif variable == "selections":
            ticket["selections"].append(text)
        else:
            ticket[variable] = text
    if random.random() < 0.5:
        # Some senders give a list, and others the text that becomes of it.
        ticket["selections"] = "\n".join(ticket["selections"])
    return ticket


def _message(random: Random, length: int | None) -> str:
    wanted = random.randint(1, 6) if length is None else length // 40
    sentences = [random.choice(SENTENCES) for _ in range(wanted)]
    if random.random() < 0.125:
        sentences[0] = random.choice(FOREIGN_SENTENCES)
    text = "".join(f"{sentence}{random.choice(ENDS)}" for sentence in sentences).rstrip()
    if random.random() < 0.06:
        text = text.upper()
    return text if length is None else text[:length].ljust(length, ".")
