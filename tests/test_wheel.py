"""The wheel, installed elsewhere, checks and runs rules."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_three_packages_and_their_data(wheel: Path) -> None:
    """The wheel has the three packages, and the data that they read."""
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"dispatcher", "grammar", "service"}
    assert {
        "grammar/dispatcher.lark",
        "dispatcher/py.typed",
        "service/default.toml",
        "service/emulator/page.html",
        "service/demo_rules/10_urgency.rules",
    } <= names


def test_the_installed_wheel_checks_and_runs(wheel: Path, tmp_path: Path) -> None:
    """From another folder, with the wheel alone in front of the libraries, an example checks and runs."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    example = ROOT / "rules_examples" / "emergency"
    (rules,) = example.glob("*.rules")
    ticket = min((example / "tickets").glob("*.json"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dispatcher", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    where = subprocess.run(
        [sys.executable, "-c", "import dispatcher; print(dispatcher.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(tmp_path)
    checked = run("check", str(rules))
    assert (checked.returncode, checked.stdout) == (0, "1 file: no problems\n")
    decided = run("run", str(rules), "--ticket", str(ticket))
    assert decided.returncode == 0, decided.stderr
    assert "ACTION VARIABLES:" in decided.stdout
