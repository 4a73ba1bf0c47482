"""How things are written: consoles, JSON, tables, and values as short text."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Container, Generator, Iterable, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

from taskkit.cli.problem import Block

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WIDE = 10_000
_LABELS = 5
_JSON = json.JSONEncoder(indent=2, ensure_ascii=False, default=str)
_PIECES = 5_000
_outputs: list[TextIO] = []
STYLES = {
    "COMPLETED": "green",
    "EXECUTING": "cyan",
    "DEQUEUED": "cyan",
    "WAITING": "magenta",
    "QUEUED": "blue",
    "DELAYED": "blue",
    "PENDING_VERSION": "blue",
    "CANCELED": "yellow",
    "EXPIRED": "yellow",
}
"""The colour of a status; one that is not here is a failure, and red."""
LEVELS = {"debug": "dim", "log": "", "info": "", "warn": "yellow", "error": "red"}


def console(*, stderr: bool = False) -> Console:
    """A console that takes text as it is; where nobody looks at a screen, lines are not broken."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(
        file=stream, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False
    )


@contextmanager
def prints_kept_apart() -> Generator[None]:
    """In this block what task code prints goes to stderr: stdout is for the output."""
    _outputs.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _outputs.pop()


@contextmanager
def on_stdout() -> Generator[None]:
    """In this block, inside the other, stdout is stdout."""
    with redirect_stdout(_outputs[-1] if _outputs else sys.stdout):
        yield


def is_live(of: Console, stream: IO[str]) -> bool:
    """Whether a picture that is drawn again and again can be shown there."""
    return stream.isatty() and of.is_terminal and not of.is_dumb_terminal


def write_json(value: object, *, stderr: bool = False) -> None:
    """One JSON value, indented; written as it is made, since a task's output may have millions of lines."""
    stream = sys.stderr if stderr else sys.stdout
    waiting: list[str] = []
    for piece in _JSON.iterencode(plain(value)):
        waiting.append(piece)
        if len(waiting) == _PIECES:
            stream.write("".join(waiting))
            waiting.clear()
    print("".join(waiting), file=stream, flush=True)


def write_json_line(value: object) -> None:
    """One JSON value in one line, for those who read while more comes."""
    print(json.dumps(plain(value), ensure_ascii=False, default=str), flush=True)


def as_json(value: object) -> str:
    """A value as indented JSON; infinity, which JSON has not, is null."""
    return _JSON.encode(plain(value))


def plain(value: Any) -> Any:
    """A value as JSON has it: moments as text, infinity as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # any JSON
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]  # any JSON
    return value


def show_output(value: object) -> None:
    """What a task returned: JSON, coloured on a terminal."""
    screen = console()
    if not (sys.stdout.isatty() and screen.color_system):
        write_json(value)
        return
    from rich.json import JSON

    screen.print(JSON(as_json(value), indent=2, ensure_ascii=False), soft_wrap=True)


def show_problem(block: Block, *, as_json: bool = False) -> None:
    """An error, on stderr."""
    if as_json:
        write_json(block.as_json(), stderr=True)
        return
    from rich.padding import Padding

    screen = console(stderr=True)
    screen.print(_text(("error: ", "bold red"), (clean(block.what), "bold")))
    for label, text in (("where", block.where), ("why", block.why)):
        if text:
            _show_part(screen, label, text)
    for line in block.details:
        screen.print(Padding(_text((clean(line), "")), (0, 0, 0, 8), expand=False))
    if block.fix:
        _show_part(screen, "do", block.fix)


def _show_part(screen: Console, label: str, text: str) -> None:
    from rich.table import Table

    part = Table.grid(padding=(0, 1))
    part.add_column(width=_LABELS, style="dim", no_wrap=True)
    part.add_column(overflow="fold")
    part.add_row(label, _text((clean(text), "")))
    screen.print(_indented(part))


def _indented(part: Table) -> Any:
    from rich.padding import Padding

    return Padding(part, (0, 0, 0, 2), expand=False)


def _text(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*parts)


def note(text: str) -> None:
    """A remark, on stderr, so that it never gets into a pipe."""
    console(stderr=True).print(_text((clean(text), "dim")))


def table(
    columns: Iterable[str], rows: Iterable[Iterable[Any]], *, broken: Container[str] = ()
) -> Table:
    """A table without lines; columns in which nothing stands are left out, and only those of `broken` are broken."""
    from rich.table import Table

    names, cells = list(columns), [list(row) for row in rows]
    used = [i for i in range(len(names)) if any(str(row[i]) for row in cells)]
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index in used:
        made.add_column(names[index], overflow="fold", no_wrap=names[index] not in broken)
    for row in cells:
        made.add_row(*(row[index] for index in used))
    return made


def clean(text: str) -> str:
    """Text without what would steer the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


def styled(status: str) -> Text:
    """A status in its colour."""
    return _text((status, STYLES.get(status, "red")))


def duration(seconds: float | None) -> str:
    """How long something took: `0.4 s`, `12 s`, `2 m 05 s`, `1 h 02 m`."""
    if seconds is None:
        return ""
    if math.isinf(seconds):
        return "none"
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} m"


def limit(seconds: float | None) -> str:
    """A limit of time in the largest unit that says it exactly: `5m`, `90s`, `none`."""
    if seconds is None or math.isinf(seconds):
        return "none"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def moment(when: datetime | None) -> str:
    """A moment in the time zone of this machine."""
    return "" if when is None else when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def short_moment(when: datetime | None) -> str:
    """The same in few characters: the time of today, or day and time."""
    if when is None:
        return ""
    here = when.astimezone()
    is_today = here.date() == datetime.now().astimezone().date()
    return here.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M")


def is_narrow(screen: Console) -> bool:
    """Somebody reads on a screen; in a pipe each thing has a line of its own, however long."""
    return screen.width < _WIDE


def place(path: str, line: int | None = None) -> str:
    """A file, and a line of it, from the working directory on where it lies there."""
    found = Path(path)
    if found.is_absolute() and found.is_relative_to(Path.cwd()):
        path = str(found.relative_to(Path.cwd()))
    return path if line is None else f"{path}:{line}"


def small(value: Any) -> str:
    """A value in few characters: `Shop`, `120`, `{"a":1}`."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return clean(text.replace("\n", " "))
