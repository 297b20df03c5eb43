"""Installs the judges outside the project's environment, and lets each judge an emulator of its own.

`python -m tests.judges [NAME ...]` prints a line for each operation, and exits with 1 when one failed. A judge that
cannot be had, because its tool or its registry is missing, is skipped and says why.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.emulator.tenant import CLIENT_ID, CLIENT_SECRET, demo_tenant

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".venv" / "judges"
INSTALL_SECONDS, JUDGE_SECONDS = 300, 120


class MissingError(Exception):
    """A judge that cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A client of others: how it is installed and then run, and the switches of the emulator that it needs."""

    name: str
    prepare: Callable[[], Sequence[str]]
    switches: tuple[str, ...] = ()


def _python(package: str, script: str) -> Callable[[], Sequence[str]]:
    """Return what installs a package from PyPI into an environment of its own, and how its judge is run there."""

    def prepare() -> Sequence[str]:
        folder = FOLDER / package.replace("==", "-")
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        ready = folder / "ready"
        if not ready.exists():
            _run([sys.executable, "-m", "venv", "--clear", str(folder)])
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])
            ready.touch()
        return [str(python), "-m", f"tests.judges.{script}"]

    return prepare


def _n8n() -> Sequence[str]:
    """Fetch the package of n8n's nodes from npm, without what it depends on, and unpack the one node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingError("node and npm are needed")
    folder = FOLDER / "n8n-nodes-base-2.41.2"
    inside = "package/dist/nodes/HaloPSA"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run([npm, "pack", "n8n-nodes-base@2.41.2", "--silent", "--pack-destination", str(folder)])
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            members = [member for member in archive if member.name.startswith(inside)]
            archive.extractall(folder, members, filter="data")
        (folder / "ready").touch()
    return [node, str(HERE / "n8n.cjs"), str(folder / inside)]


JUDGES = (
    Judge("halopsa", _python("halopsa==2.0.2", "halopsa_client")),
    Judge(
        "haloitsm-python",
        _python("haloitsm-python==0.1.0", "haloitsm_client"),
        switches=("accepts_bare_object=yes",),
    ),
    Judge("n8n", _n8n),
)


def main(arguments: Sequence[str]) -> int:
    """Run the judges that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.judges", description="Let outside clients try the emulator.")
    known = ", ".join(judge.name for judge in JUDGES)
    parser.add_argument("names", nargs="*", metavar="NAME", help=known)
    wanted = parser.parse_args(arguments).names
    if unknown := set(wanted).difference(judge.name for judge in JUDGES):
        parser.error(f"there is no judge {', '.join(sorted(unknown))}; there are {known}")
    codes = [_judge(judge) for judge in JUDGES if not wanted or judge.name in wanted]
    return max(codes)


def _judge(judge: Judge) -> int:
    try:
        command = judge.prepare()
    except MissingError as why:
        _tell(judge, f"skipped: {why}")
        return 0
    with _emulator(judge.switches) as address:
        access = {"HALO_TENANT": demo_tenant().name, "HALO_CLIENT_ID": CLIENT_ID, "HALO_CLIENT_SECRET": CLIENT_SECRET}
        environment = os.environ | access | {"HALO_ADDRESS": address}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=JUDGE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            _tell(judge, f"FAILED  no end within {JUDGE_SECONDS} s")
            return 1
    for line in done.stdout.splitlines():
        _tell(judge, line)
    if done.returncode:
        _tell(judge, f"FAILED  exit code {done.returncode} {done.stderr[-2000:]}".rstrip())
    return int(done.returncode != 0)


def _tell(judge: Judge, text: str) -> None:
    sys.stdout.write(f"{judge.name}: {text}\n")
    sys.stdout.flush()


@contextmanager
def _emulator(switches: Sequence[str]) -> Iterator[str]:
    """Run an emulator of one's own on a free port; yield its address."""
    command = [sys.executable, "-m", "dispatcher", "halo-emulator", "--port", "0"]
    for switch in switches:
        command += ["--switch", switch]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[2]
        finally:
            process.terminate()


def _run(command: Sequence[str]) -> None:
    """Run a step of an installation; where it fails, the judge cannot be had."""
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        raise MissingError(f"no answer from {command[0]} within {INSTALL_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise MissingError((error.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1]) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
