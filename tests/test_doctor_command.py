"""`dispatcher doctor` through its front door: over a real port, in a pipe and on a terminal."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.cli import main
from dispatcher.halo.doctor import Finding, Verdict
from dispatcher.render.findings import finding
from service.emulator.app import create_emulator
from service.emulator.tenant import CLIENT_ID
from tests.service.bench import serving


@pytest.fixture
def emulator() -> Any:
    """An emulated Halo."""
    return create_emulator()


@pytest.fixture
def address(emulator: Any) -> Iterator[str]:
    """Where it listens."""
    with serving(emulator) as address:
        yield address


@pytest.fixture
def settings(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file for it, in the working folder."""
    for name in list(os.environ):
        if name.startswith("DISPATCHER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "dispatcher.toml"
    file.write_text(f"""\
[defaults]
team = "2nd Line"
[halo]
resource_server = "{address}/api"
authorisation_server = "{address}/auth"
""")
    return file


@pytest.mark.usefixtures("settings")
def test_a_good_halo_has_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe each check is a line, and the last line counts."""
    assert main(["doctor"]) == 0

    *lines, blank, count = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ok       key                   tenant demo, client id {CLIENT_ID}"
    assert all(re.match("(ok|skipped) ", line) for line in lines)
    assert any(re.fullmatch(r"ok       clock                 \d s from Halo's", line) for line in lines)
    assert lines[-1] == (
        "skipped  editing               Whether tickets and notes may be written cannot be tried without writing. "
        "help: --write-test-ticket files a test ticket, and deletes it if it may."
    )
    assert blank == ""
    assert re.fullmatch(r"\d+ ok, 3 skipped", count)


def test_a_failure_has_exit_code_1(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What failed is told with what to do, in both formats alike."""
    settings.write_text(settings.read_text().replace("2nd Line", "3rd Line"))

    assert main(["doctor", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert main(["doctor", "--config", str(settings)]) == 1
    text = capsys.readouterr().out

    (failed,) = (finding for finding in found if finding["verdict"] == "failed")
    assert failed["check"] == "default team"
    assert failed["help"] == "Correct `team` under [defaults]."
    assert failed["detail"].startswith("`3rd Line` is no team in Halo")
    assert f"failed   default team          {failed['detail']} help: {failed['help']}\n" in text
    assert all(set(finding) == {"check", "verdict", "detail", "help"} for finding in found)
    assert len(found) == len(text.splitlines()) - 2


def test_wrong_settings_have_exit_code_2(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A malformed key or file stops the doctor before it asks Halo, without quoting the key."""
    monkeypatch.setenv("DISPATCHER_HALO_KEY", "hunter2")
    assert main(["doctor"]) == 2
    error = capsys.readouterr().err
    assert "DISPATCHER_HALO_KEY: the Halo key is malformed" in error
    assert "hunter2" not in error

    monkeypatch.delenv("DISPATCHER_HALO_KEY")
    settings.write_text("[halo]\nfind_buy = 'summary'\n")
    assert main(["doctor"]) == 2
    assert "did you mean `find_by`" in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_the_test_ticket_is_written_when_asked_for(emulator: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The flag files a ticket over a real port, and leaves nothing behind."""
    assert main(["doctor", "--write-test-ticket"]) == 0

    assert "\nok       delete test ticket    ticket 1001 is gone\n" in capsys.readouterr().out
    assert emulator.state.emulator.book.all() == []


def test_findings_are_wrapped_where_a_terminal_ends() -> None:
    """No line is longer than the terminal is wide unless a word is, and the text of a finding stands in one column."""
    url = "https://a-rather-long-name-of-a-tenant.halopsa.example.com/auth/token"
    found = Finding("authorisation server", Verdict.FAILED, f"No token from {url}: " + "so it is " * 9, "Mend it. " * 9)

    lines = ["".join(text for _, text in line) for line in finding(found.to_dict(), 80)]

    assert lines == [
        "failed   authorisation server  No token from",
        f"                               {url}:",
        "                               so it is so it is so it is so it is so it is so",
        "                               it is so it is so it is so it is",
        "                               help: Mend it. Mend it. Mend it. Mend it. Mend",
        "                               it. Mend it. Mend it. Mend it. Mend it.",
    ]


@pytest.mark.usefixtures("settings")
def test_a_terminal_gets_colours_and_its_width() -> None:
    """On a terminal of 80 columns verdicts are coloured and lines fit."""
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "dispatcher", "doctor"]
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        # Linux ends a terminal whose other side is closed with an error.
        while chunk := read(ours):
            shown += chunk
    os.close(ours)

    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert process.returncode == 0
    assert shown.startswith(b"\x1b[32mok ")
    assert max(map(len, text.splitlines())) <= 80


def read(terminal: int) -> bytes:
    """Return what was written to a terminal, nothing at its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
