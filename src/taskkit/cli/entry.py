"""Where the command `taskkit` begins: parse, call, and turn whatever happens into an exit status."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from itertools import pairwise
from typing import Any

from taskkit.cli.interrupt import own_the_process
from taskkit.cli.problem import (
    BROKEN_PIPE,
    INTERRUPTED,
    OK,
    Problem,
    block_of,
    status_of,
)
from taskkit.errors import MissingExtraError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # not where somebody has put a stream of their own
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in given
    _log_to_stderr(debug)
    own_the_process()
    status = status_after(given, debug=debug)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = _pipe_broke()
    sys.exit(status)


def status_after(given: Sequence[str], *, debug: bool = False) -> int:
    """The exit status of a command line; errors are told on stderr."""
    try:
        return _called(given)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return _pipe_broke()
    except Exception as error:  # whatever it is, it is told in one block
        if debug:
            traceback.print_exception(error)
        _tell(error, as_json=_wants_json(given))
        return status_of(error)


def _called(given: Sequence[str]) -> int:
    try:
        import cyclopts
    except ModuleNotFoundError as error:
        raise MissingExtraError("cli", f"The command line needs {error.name}") from error
    from taskkit.cli.commands import make_app

    app = make_app()
    try:
        command, bound, _ = app.parse_args(list(given), print_error=False, exit_on_error=False)
    except cyclopts.CycloptsError as error:
        raise _misspelt(error) from error
    result: Any = command(*bound.args, **bound.kwargs)
    return result if isinstance(result, int) else OK


def _misspelt(error: Any) -> Problem:
    what, _, rest = str(error).strip().partition("\n")
    chain = " ".join(error.command_chain or ())
    return Problem(
        what,
        why=rest.strip(),
        fix=f"See: {' '.join(('taskkit', *chain.split()))} --help",
    )


def _tell(error: BaseException, *, as_json: bool) -> None:
    block = block_of(error)
    try:
        from taskkit.cli.screen import show_problem

        show_problem(block, as_json=as_json)
    except ModuleNotFoundError:  # rich itself is what is missing
        print(f"error {block.what} {block.why}", file=sys.stderr)


def _wants_json(given: Sequence[str]) -> bool:
    texts = list(given)
    pairs = set(pairwise(texts))
    named = {("-o", "json"), ("--output", "json")}
    return bool(pairs & named) or bool({"--output=json", "-ojson", "-o=json"} & set(texts))


def _pipe_broke() -> int:
    """Whoever read our output has gone; nothing more can be said there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


class _ToStderr(logging.Handler):
    """Warnings, to whatever stderr is just now: a live picture moves out of their way."""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("taskkit.task"):  # shown by --follow
            print(f"{record.levelname.lower()} {record.getMessage()}", file=sys.stderr)


def _log_to_stderr(debug: bool) -> None:
    """Only where the task's own code sets up no logging."""
    logging.lastResort = _ToStderr(logging.WARNING)
    if debug:
        logging.lastResort.setLevel(logging.DEBUG)
        logging.getLogger("taskkit").setLevel(logging.DEBUG)
