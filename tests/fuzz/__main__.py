"""The long run: `python -m tests.fuzz`, with `--help` for what it takes. Exit code 1 when something was found."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.runner import MODES, Run


def main(arguments: list[str] | None = None) -> int:
    """Run trials in several processes until their number or the time is used up; return the exit code."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--mode", choices=[mode.name for mode in MODES], default="programs")
    parser.add_argument("--programs", type=int, default=1_000_000, metavar="N", help="trials in all")
    parser.add_argument("--seconds", type=float, default=3600.0, metavar="S", help="time in all")
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="seed of the first trial; each takes the next")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes")
    chosen = parser.parse_args(arguments)
    (mode,) = [mode for mode in MODES if mode.name == chosen.mode]
    return Run(mode, chosen.seed, chosen.programs, chosen.seconds, chosen.jobs).result()


if __name__ == "__main__":
    sys.exit(main())
