"""`dispatcher rules`: publishing, history and going back from the command line, beside a service and without one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher import RuleSet
from dispatcher.cli import main
from dispatcher.render import versions as render
from service import versions as versions_module
from service.database import Database
from service.versions import RuleSettings, Versions

FIRST = "# Printers\nif 'printer' in msg:\n    team = 'Printers'\n"
TEST = '[[test]]\nname = "a printer"\nticket = { msg = "printer" }\nexpect = { team = "Printers" }\n'
WHEN = 1_795_335_000_120


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be dan, in the folder of a service with one rule file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("getpass.getuser", lambda: "dan")
    monkeypatch.setattr(versions_module, "milliseconds", lambda: WHEN)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "my.rules").write_text(FIRST)
    (tmp_path / "dispatcher.toml").write_text('rules = "rules"\n')
    return tmp_path


@pytest.fixture
def versions(folder: Path) -> Iterator[Versions]:
    """The versions of the service, which runs."""
    database = Database("sqlite:///data/dispatcher.db")
    database.open()
    versions = Versions(database)
    versions.start(RuleSet.load("rules"), RuleSettings())
    yield versions
    database.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a `rules` command."""
    try:
        code = main(["rules", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def edit(old: str, new: str) -> None:
    """Change the rule file."""
    file = Path("rules/my.rules")
    file.write_text(file.read_text().replace(old, new))


def active(versions: Versions) -> str:
    """Return the beginning of the revision in force."""
    version = versions.active()
    assert version is not None
    return version.revision[:8]


DIFF = """\
--- a/my.rules
+++ b/my.rules
@@ -1,3 +1,3 @@
 # Printers
 if 'printer' in msg:
-    team = 'Printers'
+    team = 'Hardware'
"""


def test_publish_history_rollback(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """Publishing shows what changed and the way back; the history tells what was in force, and going back works."""
    first = active(versions)
    edit("team = 'Printers'", "team = 'Hardware'")
    code, out, err = run(capsys, "publish", "rules", "--comment", "new team")
    second = active(versions)
    assert (code, err) == (0, "")
    assert out == (
        f"{DIFF}\nchanged  my.rules  +1 -1\n"
        "no tests: nothing says whether these rules do what they should\n"
        f"revision {second} is in force; a running service decides by it within seconds\n"
        f"the way back: dispatcher rules rollback {first}\n"
    )
    assert run(capsys, "publish", "rules") == (
        0,
        f"these rules are in force already: revision {second}, since 2026-11-22 08:10 UTC\n",
        "",
    )
    assert run(capsys, "diff") == (0, DIFF, "")
    assert run(capsys, "diff", second, second) == (0, "no difference\n", "")
    code, out, _ = run(capsys, "rollback", "--comment", "wrong")
    assert (code, active(versions)) == (0, first)
    assert out.splitlines()[-2:] == [
        f"revision {first} is in force; a running service decides by it within seconds",
        f"the way back: dispatcher rules rollback {second}",
    ]
    assert run(capsys, "history") == (
        0,
        "  REVISION  SINCE (UTC)       HOW            WHO  COMMENT\n"
        f"* {first}  2026-11-22 08:10  rolled back    dan  wrong\n"
        f"  {second}  2026-11-22 08:10  published      dan  new team\n"
        f"  {first}  2026-11-22 08:10  files changed\n",
        "",
    )
    assert run(capsys, "rollback", second)[0] == 0
    assert active(versions) == second


def test_publishing_what_the_settings_name(
    versions: Versions, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a folder, the one of the settings is published; where they name none, that is said."""
    edit("team = 'Printers'", "team = 'Hardware'")
    assert run(capsys, "publish")[0] == 0
    assert active(versions) == RuleSet.load("rules").revision[:8]
    (folder / "dispatcher.toml").write_text("")
    assert run(capsys, "publish") == (
        2,
        "",
        "dispatcher: name the rules to publish: a folder of *.rules files, or one rule file\n",
    )


def test_folder_that_goes_back(versions: Versions, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that are published and then changed back come into force at the next start; published copies do not."""
    first = RuleSet.load("rules")
    versions.start(first, RuleSettings())
    edit("team = 'Printers'", "team = 'Hardware'")
    shutil.copytree("rules", "copy")
    assert run(capsys, "publish", "copy")[0] == 0
    assert versions.start(first, RuleSettings()).origin == "publish"
    assert run(capsys, "rollback")[0] == 0
    assert run(capsys, "publish", str(folder / "rules"))[0] == 0
    assert versions.start(first, RuleSettings()).origin == "folder"


def test_history_in_pages(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """A long history is shown in pages; each says how to see the next."""
    for number in range(4):
        edit("# Printers", f"# Printers {number}")
        assert run(capsys, "publish", "rules")[0] == 0
    _, out, _ = run(capsys, "history", "--limit", "2")
    assert (len(out.splitlines()), out.splitlines()[-1]) == (5, "older ones: add --before 4")
    page = json.loads(run(capsys, "history", "--limit", "9", "--before", "4", "--format", "json")[1])
    assert ([version["number"] for version in page["versions"]], page["next"]) == ([3, 2, 1], None)
    assert run(capsys, "history", "--before", "1") == (0, "there are no older ones\n", "")
    for none in ("0", "-5", "9" * 20):
        code, out, err = run(capsys, "history", f"--before={none}")
        assert (code, out, err.endswith(f"'{none}' is no number of a version, as the end of a page shows it\n")) == (
            2,
            "",
            True,
        )


def test_dry_run(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run shows what would change, and changes nothing."""
    first = active(versions)
    edit("team = 'Printers'", "team = 'Hardware'")
    revision = RuleSet.load("rules").revision[:8]
    code, out, _ = run(capsys, "publish", "rules", "--dry-run")
    assert (code, active(versions)) == (0, first)
    assert out.splitlines()[-1] == f"not published: this was a dry run; the revision would be {revision}"


def test_rules_with_errors(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules with errors are not published, and are shown as the check shows them, or as data."""
    first = active(versions)
    edit("'Printers'", "tema")
    code, out, err = run(capsys, "publish", "rules")
    assert (code, out, err.splitlines()[0]) == (1, "", "error[unknown-name]: nothing is called `tema`")
    code, out, err = run(capsys, "publish", "rules", "--format", "json")
    assert (code, out, [found["line"] for found in json.loads(err)]) == (1, "", [3])
    assert active(versions) == first


def test_tests_beside_the_rules(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests beside the rules must pass; who publishes all the same leaves that in the history."""
    Path("rules/tests.toml").write_text(TEST)
    edit("# Printers", "# All printers")
    code, out, _ = run(capsys, "publish", "rules")
    assert (code, out.splitlines()[-3]) == (0, "1 of 1 test passed")
    passed = active(versions)
    edit("team = 'Printers'", "team = 'Hardware'")
    for rules in ("rules", "rules/my.rules"):
        code, out, err = run(capsys, "publish", rules)
        assert (code, out) == (1, "")
        assert "expected 'Printers', got 'Hardware'" in err
        assert err.splitlines()[-1] == "dispatcher: the rules are not published: 1 of 1 test did not pass"
    code, out, err = run(capsys, "publish", "rules", "--format", "json")
    assert (code, out, json.loads(err)["failed"]) == (1, "", 1)
    assert active(versions) == passed
    code, out, _ = run(capsys, "publish", "rules", "--allow-failing-tests")
    assert (code, out.splitlines()[-3]) == (0, "0 of 1 test passed")
    assert run(capsys, "history")[1].splitlines()[1].endswith("published      dan  (1 failing test)")


def test_rules_without_end(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules that use up their budget on any ticket are not published."""
    edit("# Printers", "while True: pass")
    assert run(capsys, "publish", "rules") == (
        1,
        "",
        "dispatcher: the rules are not published: on a ticket that says nothing they run out of budget: my.rules:1: the "
        "rule takes more than 1,000,000 steps\n",
    )


def test_overtaken(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """Who edits rules that are no longer in force changes nothing if he says which he started from."""
    first = active(versions)
    edit("team = 'Printers'", "team = 'Hardware'")
    assert run(capsys, "publish", "rules", "--expect-active", first)[0] == 0
    second = active(versions)
    for action in (["publish", "rules"], ["rollback"]):
        assert run(capsys, *action, "--expect-active", first) == (
            2,
            "",
            f"dispatcher: other rules came into force: revision {second}, by dan on 2026-11-22T08:10:00.120Z; look at "
            "what they change, then try again\n",
        )
    assert active(versions) == second


def test_show(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """A revision is shown with its files and when it was in force; by default it is the one in force."""
    revision = RuleSet.load("rules").revision
    for arguments in ([], [revision[:8]], [revision]):
        assert run(capsys, "show", *arguments) == (
            0,
            f"revision {revision}  in force\n  files changed on 2026-11-22 08:10 UTC\n\n--- my.rules\n{FIRST}",
            "",
        )
    assert json.loads(run(capsys, "show", "--format", "json")[1])["files"] == {"my.rules": FIRST}


def test_files_of_a_revision(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """The files of a revision are written into a folder of their own, from which the same revision is published."""
    revision = RuleSet.load("rules").revision
    assert run(capsys, "show", "--output", "old/rules")[0] == 0
    assert RuleSet.load("old/rules").revision == revision
    code, _, err = run(capsys, "show", "--output", "rules")
    assert (code, err) == (
        2,
        "dispatcher: rules: the folder holds files already; name a new or empty one\n",
    )
    code, _, err = run(capsys, "show", "--output", "dispatcher.toml")
    assert (code, err) == (2, "dispatcher: dispatcher.toml: cannot be written: File exists\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rollback"], "there is nothing to go back to: no other rules were in force before"),
        (["rollback", "12"], "`12` is no revision: write its first 8 characters or more, as the history shows them"),
        (["show", "0" * 8], "no rules that were in force have a revision that begins with `00000000`; the history"),
        (["publish", "nowhere"], "nowhere: cannot be read: No such file or directory"),
        (["publish", "data"], "data: the folder has no *.rules files"),
        (["publish", "rules", "--comment", "a\x07"], "a comment is text of at most 1000 characters"),
    ],
)
def test_what_cannot_be_done(
    versions: Versions, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """What cannot be done is said in a line, with what to do instead."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"dispatcher: {said}")
    assert len(versions.history(10)) == 1


def test_without_a_service(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no database none is made; in one without versions, nothing is in force, and rules can be."""
    code, _, err = run(capsys, "publish", "rules")
    assert (code, err.startswith("dispatcher: there is no database ")) == (2, True)
    assert not (folder / "data").exists()
    database = Database("sqlite:///data/dispatcher.db")
    database.open()
    database.close()
    nothing = "no rules are in force yet: start the service, or publish some"
    assert run(capsys, "history") == (0, f"{nothing}\n", "")
    assert run(capsys, "diff") == (2, "", f"dispatcher: {nothing}\n")
    code, out, _ = run(capsys, "publish", "rules")
    assert (code, out.splitlines()[-1].startswith("revision ")) == (0, True)


def test_user_without_a_name(
    versions: Versions, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user of a container, who has no name, can publish."""

    def fails() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", fails)
    edit("team", "state")
    assert run(capsys, "publish", "rules")[0] == 0
    assert versions.history(1)[0].author == "unknown user"


def test_colours(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal, what came is green and what went is red."""
    edit("# Printers", "# All printers")
    assert run(capsys, "publish", "rules")[0] == 0
    found = json.loads(run(capsys, "diff", "--format", "json")[1])
    styles = {text[0]: style for ((style, text),) in list(render.difference(found))[2:]}
    assert styles == {"@": "cyan", "-": "red", "+": "green", " ": ""}
