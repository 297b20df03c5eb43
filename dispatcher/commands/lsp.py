"""`dispatcher lsp`: the language server, which an editor starts."""

from __future__ import annotations

import argparse
import logging
import signal
import sys

from dispatcher.errors import DispatcherError


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument(
        "--tcp",
        metavar="HOST:PORT",
        type=_address,
        help="listen for one editor, which needs no key, so at 127.0.0.1 (default: standard input and output)",
    )
    # What editors add for the way of speaking that is the default here.
    command.add_argument("--stdio", action="store_true", help=argparse.SUPPRESS)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address; write it as 127.0.0.1:8421")
    return host.strip("[]"), int(port)


def run(options: argparse.Namespace) -> int:
    """Serve one editor; return 0 when it has said goodbye, and 1 when it vanished."""
    from dispatcher.lsp.features import server

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="dispatcher lsp: %(levelname)s %(message)s")
    made = server()
    if options.tcp is not None:
        try:
            made.start_tcp(*options.tcp)
        except OSError as error:
            raise DispatcherError(f"cannot listen at {options.tcp[0]}:{options.tcp[1]}: {error.strerror}") from None
        return 0
    # A thread waits for input that may never come; there is nothing to clean up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    output, sys.stdout = sys.stdout, sys.stderr
    made.start_io(sys.stdin.buffer, output.buffer)
    return int(not made.is_stopping)
