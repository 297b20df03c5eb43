"""`dispatcher test` through the front door: output, files and exit codes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dispatcher.cli import main
from dispatcher.testing import run_tests

RULES = """\
# VIPs first
if name == 'Dan Jump':
    priority = 'High'
"""
TESTS = """\
[[test]]
name = "VIPs come first"
ticket = { name = "Dan Jump" }
expect = { priority = "High" }

[[test]]
name = "others as usual"
ticket = { name = "Amy \\u0007" }
expect = { priority = "Low" }

[[test]]
name = "mistaken"
ticket = {}
expct = {}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder with rules and three tests, one of each outcome."""
    monkeypatch.chdir(tmp_path)
    Path("rules").mkdir()
    Path("rules/vip.rules").write_text(RULES)
    Path("rules/tests.toml").write_text(TESTS)
    return tmp_path


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Each test is a line, what is wrong stands below it, and a summary at the end; exit code 1."""
    assert main(["test", "rules", "--coverage"]) == 1
    file = str(Path("rules/tests.toml"))
    assert capsys.readouterr().out == (
        f"{file}\n"
        "  PASS   VIPs come first\n"
        "  FAIL   others as usual\n"
        "         the ticket\n"
        "           priority: expected 'Low', got None\n"
        "               no rule set it\n"
        "           rules that fired: no rule\n"
        "  ERROR  mistaken\n"
        f"         {file}:14: `expct` is no key of a test; did you mean `expect`?\n"
        f"         {file}:11: nothing is expected; write `[test.expect]`, and below it what the decision must be\n"
        "\n"
        "COVERAGE 100%:\n"
        f"  {Path('rules/vip.rules')}: 1 of 1 rule, 2 of 2 arms\n"
        "\n"
        "3 tests: 1 passed, 1 failed, 1 with errors\n"
    )


def test_data(capsys: pytest.CaptureFixture[str]) -> None:
    """`--format json` prints what `run_tests` gives, and nothing else."""
    assert main(["test", "rules", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == run_tests("rules").to_dict()


def test_a_filter(capsys: pytest.CaptureFixture[str]) -> None:
    """Only tests are run whose name contains the text; exit code 0 where they pass."""
    assert main(["test", "rules", "--filter", "come first"]) == 0
    assert capsys.readouterr().out.endswith("\n1 test: 1 passed\n")


@pytest.mark.parametrize(("percent", "code"), [("66.6", 0), ("66.7%", 1)])
def test_a_threshold(percent: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Less coverage than asked for is exit code 1, though all tests pass, and is said."""
    assert main(["test", "rules", "--filter", "come first", "--threshold", percent]) == code
    captured = capsys.readouterr()
    assert "COVERAGE 66.6%" in captured.out
    assert captured.err == ("dispatcher: the coverage is less than 66.7%\n" if code else "")


@pytest.mark.parametrize("percent", ["-1", "101", "many", "nan"])
def test_a_threshold_that_is_none(percent: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A threshold is a number from 0 to 100."""
    with pytest.raises(SystemExit) as caught:
        main(["test", "rules", f"--threshold={percent}"])
    assert caught.value.code == 2
    assert f"{percent!r} is no percentage; write a number from 0 to 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "called"), [(["."], ""), (["..", "--filter", "x y"], " whose name contains 'x y'")]
)
def test_no_tests_are_no_success(
    arguments: list[str], called: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no tests are found, that is said, and the exit code is 1."""
    (folder / "rules" / "empty").mkdir()
    monkeypatch.chdir(folder / "rules" / "empty")
    assert main(["test", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == "0 tests: 0 passed\n"
    assert captured.err == (
        f"dispatcher: {arguments[0]}: there are no tests{called}; tests stand in tests.toml, *.tests.toml or "
        "test_*.toml, each below a line [[test]]\n"
    )


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A path that does not exist is wrong usage."""
    assert main(["test", "rule"]) == 2
    assert capsys.readouterr().err == "dispatcher: rule: there is no such folder or tests file\n"


def test_junit(capsys: pytest.CaptureFixture[str]) -> None:
    """`--junit` writes suites and cases as CI servers read them, in any case as well-formed XML."""
    tests = Path("rules/tests.toml")
    tests.write_text(
        tests.read_text()
        + '\n[[test]]\nname = "\\u0000 \\u001b ä \\ud7ff \\U0010ffff"\nticket = "\\u0008"\nexpect = {}'
    )
    assert main(["test", "rules", "--junit", "results.xml"]) == 1
    root = ElementTree.parse("results.xml").getroot()
    counts = {"tests": "4", "failures": "1", "errors": "2"}
    file = str(tests)
    assert (root.tag, root.attrib) == ("testsuites", {"name": "dispatcher", **counts})
    assert [(suite.tag, suite.attrib) for suite in root] == [("testsuite", {"name": file, **counts})]
    assert [(case.tag, case.attrib, [(part.tag, part.attrib) for part in case]) for case in root[0]] == [
        ("testcase", {"classname": file, "name": "VIPs come first", "file": file, "line": "1"}, []),
        (
            "testcase",
            {"classname": file, "name": "others as usual", "file": file, "line": "6"},
            [("failure", {"message": "priority: expected 'Low', got None", "type": "failure"})],
        ),
        (
            "testcase",
            {"classname": file, "name": "mistaken", "file": file, "line": "11"},
            [
                (
                    "error",
                    {"message": f"{file}:14: `expct` is no key of a test; did you mean `expect`?", "type": "error"},
                )
            ],
        ),
        (
            "testcase",
            {"classname": file, "name": "\ufffd \ufffd ä \ud7ff \U0010ffff", "file": file, "line": "16"},
            [
                (
                    "error",
                    {
                        "message": f"{file}:16: \ufffd: there is no such ticket file in "
                        f"{Path('rules/tickets')} or rules",
                        "type": "error",
                    },
                )
            ],
        ),
    ]
    assert root[0][1][0].text == (
        "the ticket\n  priority: expected 'Low', got None\n      no rule set it\n  rules that fired: no rule"
    )


def test_junit_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A report that cannot be saved is an error of the environment."""
    assert main(["test", "rules", "--junit", "none/results.xml"]) == 2
    assert capsys.readouterr().err == "dispatcher: none/results.xml: cannot be written: No such file or directory\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
def test_watching(folder: Path) -> None:
    """`--watch` runs the tests again after each change, mistakes included, until Ctrl-C, and then ends cleanly."""
    command = [sys.executable, "-u", "-m", "dispatcher", "test", "rules", "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        # Whatever goes wrong, the test ends.
        patience = threading.Timer(30, process.kill)
        patience.start()
        output = process.stdout
        assert output is not None
        try:
            assert "Watching rules; Ctrl-C ends\n" in output
            assert "3 tests: 1 passed, 1 failed, 1 with errors\n" in output
            (folder / "rules" / "vip.rules").write_text("if (\n")
            assert "1 test: 0 passed, 1 with errors\n" in output
            (folder / "rules" / "vip.rules").write_text(RULES)
            (folder / "rules" / "tests.toml").write_text(TESTS[: TESTS.index("\n[[test]]")])
            assert "1 test: 1 passed\n" in output
            process.send_signal(signal.SIGINT)
            assert "Traceback" not in process.communicate(timeout=10)[0]
            assert process.returncode == 0
        finally:
            patience.cancel()
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
def test_watching_what_stands_elsewhere_or_is_replaced(folder: Path) -> None:
    """Rules that a tests file names are watched wherever they are, and a folder that was deleted and has come again."""
    (folder / "rules" / "tests.toml").write_text('rules = "../other/my.rules"\n' + TESTS[: TESTS.index("\n[[test]]")])
    (folder / "other").mkdir()
    (folder / "other" / "my.rules").write_text(RULES)
    command = [sys.executable, "-u", "-m", "dispatcher", "test", "rules/tests.toml", "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        patience = threading.Timer(30, process.kill)
        patience.start()
        output = process.stdout
        assert output is not None
        try:
            assert "1 test: 1 passed\n" in output
            (folder / "other" / "my.rules").write_text("pass\n")
            assert "1 test: 0 passed, 1 failed\n" in output
            shutil.rmtree(folder / "other")
            assert "1 test: 0 passed, 1 with errors\n" in output
            (folder / "other").mkdir()
            (folder / "other" / "my.rules").write_text(RULES)
            assert "1 test: 1 passed\n" in output
            tests = (folder / "rules" / "tests.toml").read_text()
            shutil.rmtree(folder / "rules")
            (folder / "rules").mkdir()
            (folder / "rules" / "tests.toml").write_text(tests + "[mistake]\n")
            assert "1 test: 0 passed, 1 with errors\n" in output
            process.send_signal(signal.SIGINT)
            assert "Traceback" not in process.communicate(timeout=10)[0]
            assert process.returncode == 0
        finally:
            patience.cancel()
            process.kill()
