"""The command `dispatcher halo-emulator`: its arguments, and what they ask for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dispatcher.errors import DispatcherError


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments; nothing that serves is imported for it."""
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=8421)
    command.add_argument("--data", type=Path, metavar="FILE", help="keep the tickets in this file")
    command.add_argument(
        "--switch",
        action="append",
        default=[],
        dest="switches",
        metavar="NAME=VALUE",
        help="act otherwise where it is not known how Halo acts; may be given several times",
    )
    command.add_argument("--list-switches", action="store_true", help="show all switches and end")
    command.add_argument(
        "--rate-limit", type=int, metavar="N", help="requests in five minutes, 0 for any number (the switch rate_limit)"
    )
    faults = command.add_mutually_exclusive_group()
    faults.add_argument(
        "--faults",
        type=Path,
        metavar="FILE",
        help='a plan of faults as PUT /emulator/faults takes it, such as {"rates": {"cut-after": 0.1, "429": 0.05}}',
    )
    faults.add_argument("--fault-rate", type=float, metavar="R", help="the share of requests that go wrong, in any way")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="which requests go wrong by --fault-rate")


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted, or list the switches."""
    from service.emulator.behaviour import read_switches, switches
    from service.emulator.faults import FaultPlan, read_plan
    from service.emulator.server import run as serve

    if options.list_switches:
        for name, default, meaning in switches():
            sys.stdout.write(f"{name}={default}\n    {meaning}\n")
        return 0
    settings = list(options.switches)
    if options.rate_limit is not None:
        settings.append(f"rate_limit={options.rate_limit}")
    behaviour = read_switches(settings)
    plan = FaultPlan()
    if options.faults is not None:
        plan = read_plan(options.faults)
    elif options.fault_rate is not None:
        if not 0 <= options.fault_rate <= 1:
            raise DispatcherError("--fault-rate is a share of all requests: write a number from 0 to 1")
        plan = FaultPlan.even(options.fault_rate, options.seed)
    serve(options.host, options.port, behaviour=behaviour, plan=plan, data=options.data, output=sys.stdout)
    return 0
