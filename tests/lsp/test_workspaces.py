"""What stands beside the rules: settings, snapshots, several folders, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dispatcher.halo import snapshot
from dispatcher.live import lock
from dispatcher.lsp.workspaces import LOCK_FILE, SNAPSHOT_FILE
from tests.lsp.client import Editor

RULES = "if asset_tag == 'x':\n    team = ''\n"


def write_snapshot(path: Path, *teams: str) -> None:
    """Write what Halo knows."""
    rows = [{"id": number, "name": team, "active": team != "Old"} for number, team in enumerate(teams, 1)]
    empty: dict[str, list[Any]] = {"ticket_types": [], "statuses": [], "agents": []}
    categories = [{"id": 1, "name": "Hardware>Printer", "level": 1}]
    priorities = [{"id": 1, "name": "High", "sla_id": 1}]
    about = {"taken_at": "2026-03-02T17:45:00Z", "halo": "https://halo.example"}
    path.write_text(json.dumps(about | empty | {"teams": rows, "priorities": priorities, "categories": categories}))


def messages(editor: Editor) -> str:
    """Return the next message that the editor shows."""
    found = editor.await_message(lambda message: message.get("method") == "window/showMessage")
    return str(found["params"]["message"])


def codes(found: list[dict[str, Any]]) -> list[str]:
    """Return the codes of diagnostics."""
    return [problem["code"] for problem in found]


def test_the_files_that_are_written_are_those_that_are_looked_for() -> None:
    """What writes snapshots and lock files and what looks for them agree on the names."""
    assert (SNAPSHOT_FILE, LOCK_FILE) == (snapshot.FILE_NAME, lock.FILE_NAME)


def test_names_of_halo_are_offered_inside_texts(folder: Path) -> None:
    """In a text that is assigned to a variable or compared with it stand the names in use, as they are written there."""
    write_snapshot(folder / "halo-snapshot.json", "Old", "O'Neill & Söhne", "1st Line")
    with Editor(folder) as editor:
        editor.open("team = 'x'\nif team in ('A', 'B\nif category_1 == \"Hard\":\n    pass\n")
        found = editor.at("completion", 0, 8)

        assert [(item["label"], item["textEdit"]) for item in found["items"]] == [
            ("1st Line", {"range": {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 9}}, "newText": "1st Line"}),
            ("O'Neill & Söhne", {"range": {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 9}}, "newText": "O\\'Neill & Söhne"}),
        ]  # fmt: skip
        assert editor.labels(1, 18) == ["1st Line", "O'Neill & Söhne"]
        assert editor.labels(2, 21) == ["Hardware>Printer"]

        write_snapshot(folder / "halo-snapshot.json", "2nd Line")
        assert editor.labels(0, 8) == ["2nd Line"]


def test_the_editor_may_name_the_snapshot(folder: Path) -> None:
    """A path in the editor's settings is meant from the folder, also when they change."""
    write_snapshot(folder / "first.json", "First")
    write_snapshot(folder / "second.json", "Second")
    with Editor(folder, settings={"snapshot": "first.json"}) as editor:
        editor.open("team = ''\n")
        assert editor.labels(0, 8) == ["First"]

        editor.tell("workspace/didChangeConfiguration", {"settings": {"dispatcher": {"snapshot": "second.json"}}})
        assert editor.labels(0, 8) == ["Second"]

        editor.tell("workspace/didChangeConfiguration", {"settings": {"dispatcher": {"snapshot": "gone.json"}}})
        assert editor.labels(0, 8) == []
        assert messages(editor) == f"{folder / 'gone.json'}: cannot be read: No such file or directory"


def test_variables_of_the_settings_are_known(folder: Path) -> None:
    """The nearest dispatcher.toml inside the folder declares variables; a change of it is heard of."""
    (folder / "rules").mkdir()
    settings = folder / "dispatcher.toml"
    watching = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    with Editor(folder, capabilities=watching) as editor:
        asked = editor.await_message(lambda message: message.get("method") == "client/registerCapability")
        editor.send({"id": asked["id"], "result": None})
        (registered,) = asked["params"]["registrations"]
        assert codes(editor.open(RULES, "rules/a.rules")) == ["unknown-name"]

        settings.write_text("variables = ['asset_tag']\n")
        changed = {"uri": settings.as_uri(), "type": 1}
        editor.tell("workspace/didChangeWatchedFiles", {"changes": [changed]})
        assert editor.diagnostics(1, "rules/a.rules") == []

        assert [watcher["globPattern"] for watcher in registered["registerOptions"]["watchers"]] == [
            "**/dispatcher.toml",
            "**/halo-snapshot.json",
            "**/dispatcher.lock.json",
        ]
        assert "asset_tag" in editor.labels(1, 4, "rules/a.rules")


def test_broken_settings_are_told_once(folder: Path) -> None:
    """Settings that cannot be read are named in a message, and rules are checked without them."""
    (folder / "dispatcher.toml").write_text("variables = [\n")
    with Editor(folder) as editor:
        assert codes(editor.open(RULES)) == ["unknown-name"]
        assert messages(editor).startswith(f"{folder / 'dispatcher.toml'}: ")
        editor.change(2, {"text": RULES + "\n"})
        assert codes(editor.diagnostics(2)) == ["unknown-name"]

        (folder / "dispatcher.toml").write_text("variabels = ['asset_tag']\n")
        editor.change(3, {"text": RULES})
        assert codes(editor.diagnostics(3)) == ["unknown-name"]
        shown = messages(editor)

    assert "variabels" in shown
    assert "Traceback" not in shown


def test_each_folder_has_settings_of_its_own(folder: Path) -> None:
    """Of several folders each has its variables, and what is outside all of them those of its own folder only."""
    for name in ("first", "second", "outside"):
        (folder / name / "deep").mkdir(parents=True)
    (folder / "first" / "dispatcher.toml").write_text("variables = ['asset_tag']\n")
    (folder / "dispatcher.toml").write_text("variables = ['asset_tag']\n")
    folders = [{"uri": (folder / name).as_uri(), "name": name} for name in ("first", "second")]
    with Editor(folder, folders=folders) as editor:
        assert editor.open(RULES, "first/deep/a.rules") == []
        assert codes(editor.open(RULES, "second/deep/a.rules")) == ["unknown-name"]
        assert codes(editor.open(RULES, "outside/deep/a.rules")) == ["unknown-name"]


def test_a_folder_can_be_renamed(folder: Path) -> None:
    """Files of a folder that was renamed are opened by their new names, with the settings that moved along."""
    (folder / "old").mkdir()
    (folder / "old" / "dispatcher.toml").write_text("variables = ['asset_tag']\n")
    old = {"uri": (folder / "old").as_uri(), "name": "rules"}
    new = {"uri": (folder / "new").as_uri(), "name": "rules"}
    with Editor(folder, folders=[old]) as editor:
        assert editor.open(RULES, "old/a.rules") == []
        (folder / "old").rename(folder / "new")
        editor.tell("workspace/didChangeWorkspaceFolders", {"event": {"added": [new], "removed": [old]}})
        editor.tell("textDocument/didClose", {"textDocument": {"uri": editor.uri("old/a.rules")}})
        assert editor.diagnostics(None, "old/a.rules") == []
        assert editor.open(RULES, "new/a.rules") == []


def test_a_file_that_is_on_no_disk_belongs_to_the_first_folder(folder: Path) -> None:
    """What was never saved is checked with the settings of the folder that is open."""
    (folder / "dispatcher.toml").write_text("variables = ['asset_tag']\n")
    with Editor(folder) as editor:
        uri = "untitled:Untitled-1"
        item = {"uri": uri, "languageId": "dispatcher-rules", "version": 1, "text": RULES}
        editor.tell("textDocument/didOpen", {"textDocument": item})
        found = editor.await_message(lambda message: message.get("params", {}).get("uri") == uri)

    assert found["params"]["diagnostics"] == []


def test_names_that_halo_does_not_know_are_marked(folder: Path) -> None:
    """With a snapshot, names that cannot be filed are errors with a quick fix, told of until the snapshot has them."""
    write_snapshot(folder / "halo-snapshot.json", "1st Line", "Old")
    with Editor(folder) as editor:
        found = editor.open("team = '1st Lin'\nif team == 'Old':\n    team = 'Old'\n")
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 9}}
        (fix,) = editor.at("codeAction", 0, 0, range=whole, context={"diagnostics": []})
        meaning = editor.at("hover", 0, 9)["contents"]["value"]
        write_snapshot(folder / "halo-snapshot.json", "1st Lin")
        editor.change(2, {"text": "team = '1st Lin'\n"})
        rest = editor.diagnostics(2)

    assert [(problem["code"], problem["severity"], problem["message"]) for problem in found] == [
        ("unknown-in-halo", 1, "`1st Lin` is no team in Halo\nhelp: did you mean `1st Line`?"),
        ("inactive-in-halo", 1, "`Old` is inactive in Halo and cannot be used as team\nhelp: name another team"),
    ]
    assert fix["title"] == "Replace `'1st Lin'` with `'1st Line'`"
    assert meaning == "**unknown-in-halo**: Halo has no record of this name or number."
    assert rest == []


def test_a_name_that_changed_in_halo_is_offered_as_an_edit(folder: Path) -> None:
    """The lock file beside the rules knows which record a name meant, so that a rename has its quick fix."""
    write_snapshot(folder / "halo-snapshot.json", "Service Desk")
    meant = {"team": {"1st Line": lock.Locked("1st Line", {None: 1})}}
    (folder / "dispatcher.lock.json").write_text(lock.Lock(meant).text())
    with Editor(folder) as editor:
        found = editor.open("team = '1st Line'\n")
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 9}}
        (fix,) = editor.at("codeAction", 0, 0, range=whole, context={"diagnostics": []})

    assert [problem["code"] for problem in found] == ["renamed-in-halo"]
    assert fix["title"] == "Replace `'1st Line'` with `'Service Desk'`"


def test_a_lock_file_of_another_halo_means_nothing(folder: Path) -> None:
    """Its ids are those of other records, so that no rename is read out of them."""
    write_snapshot(folder / "halo-snapshot.json", "Service Desk")
    meant = {"team": {"1st Line": lock.Locked("1st Line", {None: 1})}}
    (folder / "dispatcher.lock.json").write_text(lock.Lock(meant, "https://other.example").text())
    with Editor(folder) as editor:
        found = editor.open("team = '1st Line'\n")

    assert codes(found) == ["unknown-in-halo"]
