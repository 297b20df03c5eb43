"""Odd clients, odd texts and long files: the server answers on, and says nothing of its inside."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.lang.chunks import read_chunks
from tests.lsp.client import Editor, ProtocolError

METHODS = ("completion", "hover", "definition", "documentHighlight", "documentSymbol")
PIECES = ("\n", "    ", "'", '"', "'''", "(", ")", "{", "f'{", ".", "=", ":", "team", "msg.", "🔥", "ä", "\x0c", "\\", "#", "if ", "match ", "case ", "\ud83d", "\x00")  # fmt: skip


def place(line: int, character: int) -> dict[str, int]:
    """Return a position."""
    return {"line": line, "character": character}


def test_any_edit_of_any_text_leaves_it_as_the_editor_has_it(editor: Editor) -> None:
    """After random changes, file and fresh copy of it have the same diagnostics; every question has an answer."""
    chance = random.Random(7)
    chunks = read_chunks()
    for number in range(40):
        text = chance.choice(chunks).plain.replace("\r", "")
        name, version = f"fuzz{number}.rules", 1
        editor.open(text, name)
        for version in range(2, 6):
            start, end = sorted(chance.choices(range(len(text) + 1), k=2))
            end = min(end, start + 8)
            new = "".join(chance.choices(PIECES, k=chance.randrange(4)))
            change = {"range": {"start": of(text, start), "end": of(text, end)}, "text": new}
            text = text[:start] + new + text[end:]
            editor.change(version, change, name=name)
            cursor = of(text, min(len(text), start + len(new)))
            for method in METHODS:
                editor.at(method, cursor["line"], cursor["character"], name)
            whole = {"start": place(0, 0), "end": place(9999, 0)}
            editor.at("codeAction", 0, 0, name, range=whole, context={"diagnostics": []})
        found = editor.diagnostics(version, name)

        assert found == editor.open(text, f"copy of {name}"), text


def of(text: str, index: int) -> dict[str, int]:
    """Return the position of an index."""
    before = text[:index]
    line = before.rpartition("\n")[2]
    return place(before.count("\n"), len(line.encode("utf-16-le", "surrogatepass")) // 2)


def test_odd_places_are_drawn_to_the_nearest(editor: Editor) -> None:
    """Places beyond a line and beyond the file, and ranges that end before they begin, are answered and applied."""
    editor.open("team = 'A'\n", "odd.rules")
    for method in METHODS:
        editor.at(method, 10**6, 10**6, "odd.rules")
        editor.at(method, 0, 2**31 - 1, "odd.rules")
    backwards = {"start": place(9, 9), "end": place(0, 7)}
    editor.change(2, {"range": backwards, "text": "tema"}, name="odd.rules")

    assert [problem["range"] for problem in editor.diagnostics(2, "odd.rules")] == [
        {"start": place(0, 7), "end": place(0, 11)}
    ]


def test_files_that_are_not_open_have_nothing(editor: Editor) -> None:
    """Questions about them are answered with nothing, and their changes are left alone."""
    assert [editor.at(method, 0, 0, "closed.rules") for method in METHODS] == [None, None, None, [], []]


def test_a_request_that_cannot_be_read_is_answered_with_an_error(folder: Path) -> None:
    """The client hears that its request is no good, and nothing of the server's inside; the next one is answered."""
    with Editor(folder) as editor:
        editor.open("team = 'A'\n")
        odd: tuple[Any, ...] = ({}, {"textDocument": {"uri": "x"}, "position": place(-1, 0)}, None, [])
        for params in odd:
            with pytest.raises(ProtocolError) as error:
                editor.ask("textDocument/hover", params)
            assert "Traceback" not in str(error.value)
            assert "File " not in str(error.value)
        with pytest.raises(ProtocolError, match="-32601"):
            editor.ask("rules/unknown", {})
        editor.tell("textDocument/didChange", {"textDocument": {"uri": editor.uri("gone.rules"), "version": 2}, "contentChanges": [{"text": ""}]})  # fmt: skip
        editor.tell("textDocument/didOpen", {"nothing": True})

        assert editor.at("hover", 0, 0) is not None


@pytest.mark.parametrize("text", ["", "\x00", "(" * 5000, "x" * 10000, "\n" * 10000, "'" * 999, "if x:\n" * 500])
def test_any_text_is_answered(editor: Editor, text: str) -> None:
    """Texts that no one writes are checked and asked about like all others."""
    name = f"hostile{len(text)}{text[:1] or '-'}".replace("\x00", "0").replace("\n", "n") + ".rules"
    editor.open(text, name)
    for method in METHODS:
        editor.at(method, text.count("\n"), 3, name)


def test_typing_in_a_long_file_keeps_the_server_at_hand(folder: Path) -> None:
    """While a file of almost 1 MB is checked, others are answered at once; only its last version is told of."""
    rule = f"if '{'printer ' * 30}{{}}' in msg.lower():\n    team = 'Hardware'\n"
    text = "".join(rule.format(number) for number in range(3000))
    with Editor(folder) as editor:
        editor.open("team = 'A'\n", "small.rules")
        item = {"uri": editor.uri("long.rules"), "languageId": "dispatcher-rules", "version": 1, "text": text}
        editor.tell("textDocument/didOpen", {"textDocument": item})
        for version in range(2, 12):
            end = {"start": place(6000, version - 2), "end": place(6000, version - 2)}
            editor.change(version, {"range": end, "text": "x"}, name="long.rules")
        begin = time.monotonic()
        for _ in range(5):
            assert editor.at("hover", 0, 1, "small.rules") is not None
        waited = time.monotonic() - begin
        found = editor.diagnostics(11, "long.rules")
        versions = [message["params"]["version"] for message in editor.kept("textDocument/publishDiagnostics")]

    assert [(problem["code"], problem["range"]["start"]) for problem in found] == [("unknown-name", place(6000, 0))]
    # At most what was being checked when the typing began is told of beside it.
    assert len(versions) <= 2
    assert waited < 5


def test_it_leaves_with_its_client(folder: Path) -> None:
    """A client that says goodbye gets code 0, one that vanishes or leaves without a word code 1; Ctrl-C ends it."""
    with Editor(folder) as polite:
        pass
    silent = Editor(folder)
    silent.ask("initialize", silent.greeting())
    hasty = Editor(folder)
    hasty.ask("initialize", hasty.greeting())
    hasty.tell("exit", None)
    # It does not wait until the line is closed.
    hasty.process.wait(30)

    broken = Editor(folder)
    broken.ask("initialize", broken.greeting())
    broken.process.send_signal(signal.SIGINT)
    broken.process.wait(30)
    broken.leave()

    assert (polite.process.returncode, silent.leave(), hasty.leave()) == (0, 1, 1)
    assert (polite.log, silent.log, hasty.log) == (b"", b"", b"")


def test_it_listens_where_it_is_told(folder: Path) -> None:
    """With an address it waits there for one editor; an address that is taken or none is an error in words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = [sys.executable, "-m", "dispatcher", "lsp", "--tcp"]
        busy = subprocess.run([*run, f"127.0.0.1:{port}"], capture_output=True, text=True, check=False)
        wrong = subprocess.run([*run, "8421"], capture_output=True, text=True, check=False)

    assert (busy.returncode, busy.stdout) == (2, "")
    assert busy.stderr.startswith(f"dispatcher: cannot listen at 127.0.0.1:{port}: ")
    assert wrong.returncode == 2
    assert wrong.stderr.endswith("'8421' is no address; write it as 127.0.0.1:8421\n")

    server = subprocess.Popen([*run, f"127.0.0.1:{port}"], stderr=subprocess.PIPE)
    message = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": null, "rootUri": null, "capabilities": {}}}'
    try:
        with connected(port) as line:
            line.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(message), message))
            assert b'"completionProvider"' in line.recv(100_000)
        assert server.wait(30) == 0
    finally:
        server.kill()
        _, log = server.communicate()
    assert b"Traceback" not in log


def connected(port: int) -> socket.socket:
    """Return a connection to a server that may only be starting."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_nothing_is_loaded_that_a_folder_does_not_ask_for() -> None:
    """Without settings and snapshot, neither the service nor what speaks with Halo is imported."""
    code = "import sys, dispatcher.lsp.features as f; f.server(); print([n for n in ('service', 'pydantic', 'httpx') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
