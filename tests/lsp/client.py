"""An editor, as far as the server can tell: speaks the protocol with a process of `dispatcher lsp`."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

# Longer than any answer takes on a busy machine.
PATIENCE_SECONDS = 30.0


class ProtocolError(Exception):
    """The server answered a request with an error."""


class Editor:
    """A process of the server, with what it has sent so far."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self._options = options
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._kept: list[dict[str, Any]] = []
        self._number = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dispatcher", "lsp"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._input = cast("IO[bytes]", self.process.stdin)
        self._outputs = (cast("IO[bytes]", self.process.stdout), cast("IO[bytes]", self.process.stderr))
        self.log = b""
        self._threads = [
            threading.Thread(target=read, args=(output,), daemon=True)
            for read, output in zip((self._read, self._read_log), self._outputs, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        self.capabilities = self.ask("initialize", self.greeting())["capabilities"]
        self.tell("initialized", {})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None and kind is None:
            self.ask("shutdown", None)
            self.tell("exit", None)
        self.leave()

    def leave(self) -> int:
        """Close the line, and return the exit code of the server."""
        self._input.close()
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.kill()
            for thread in self._threads:
                thread.join(PATIENCE_SECONDS)
            for output in self._outputs:
                output.close()

    def greeting(self) -> dict[str, Any]:
        """Return what an editor says of itself."""
        uri = self.folder.as_uri()
        return {
            "processId": None,
            "rootUri": uri,
            "capabilities": self._options.get("capabilities", {}),
            "workspaceFolders": self._options.get("folders", [{"uri": uri, "name": "rules"}]),
            "initializationOptions": self._options.get("settings"),
        }

    # --- messages

    def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._input.flush()

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.send({"method": method, "params": params})

    def begin(self, method: str, params: Any) -> int:
        """Send a request and return its number."""
        self._number += 1
        self.send({"id": self._number, "method": method, "params": params})
        return self._number

    def ask(self, method: str, params: Any) -> Any:
        """Send a request and return what is answered; raise ProtocolError for an error."""
        return self.answer(self.begin(method, params))

    def answer(self, number: int) -> Any:
        """Return what is answered to a request."""
        found = self.await_message(lambda message: message.get("id") == number and "method" not in message)
        if "error" in found:
            raise ProtocolError(found["error"])
        return found["result"]

    def await_message(self, fits: Any) -> dict[str, Any]:
        """Return the first message that fits and was not returned yet."""
        for message in self._kept:
            if fits(message):
                self._kept.remove(message)
                return message
        while True:
            found = self._messages.get(timeout=PATIENCE_SECONDS)
            if found is None:
                raise ProtocolError(f"the server is gone: {self.log.decode()}")
            if fits(found):
                return found
            self._kept.append(found)

    def kept(self, method: str) -> list[dict[str, Any]]:
        """Return the messages of a kind that came and were not asked for."""
        return [message for message in self._kept if message.get("method") == method]

    def _read(self, output: IO[bytes]) -> None:
        while header := output.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = output.readline()
            self._messages.put(json.loads(output.read(length)))
        self._messages.put(None)

    def _read_log(self, output: IO[bytes]) -> None:
        for line in output:
            self.log += line

    # --- files

    def uri(self, name: str) -> str:
        """Return the address of a file."""
        return (self.folder / name).as_uri()

    def open(self, text: str, name: str = "a.rules") -> list[dict[str, Any]]:
        """Open a file and return its diagnostics."""
        item = {"uri": self.uri(name), "languageId": "dispatcher-rules", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})
        return self.diagnostics(1, name)

    def change(self, version: int, *changes: dict[str, Any], name: str = "a.rules") -> None:
        """Change a file."""
        document = {"uri": self.uri(name), "version": version}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def diagnostics(self, version: int | None, name: str = "a.rules") -> list[dict[str, Any]]:
        """Return the diagnostics of a version of a file, as soon as they come."""

        def fits(message: dict[str, Any]) -> bool:
            params = message.get("params", {})
            is_of_file = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == self.uri(name)
            return is_of_file and params.get("version") == version

        found: list[dict[str, Any]] = self.await_message(fits)["params"]["diagnostics"]
        return found

    def at(self, method: str, line: int, character: int, name: str = "a.rules", **more: Any) -> Any:
        """Ask something about a place."""
        place = {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}}
        return self.ask(f"textDocument/{method}", place | more)

    def labels(self, line: int, character: int, name: str = "a.rules") -> list[str]:
        """Return what is offered to be written at a place, in the order in which it is shown."""
        found = self.at("completion", line, character, name)
        return [item["label"] for item in sorted(found["items"], key=lambda item: str(item["sortText"]))]
