"""What went wrong, as one block: what, where, why, and what to do; and the exit status that it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskkit.errors import (
    BackendError,
    BackendNotConfiguredError,
    ConfigError,
    DefinitionError,
    InvalidCronError,
    InvalidDurationError,
    PayloadValidationError,
    TaskkitError,
    UnsupportedByBackendError,
)

OK, RUN_FAILED, USAGE, TROUBLE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")
_LONGEST_INPUT = 60


@dataclass(frozen=True, slots=True)
class Block:
    """An error as it is shown. `kind` is the class that was raised; `details` are lines kept as they are."""

    kind: str
    what: str
    where: str = ""
    why: str = ""
    details: tuple[str, ...] = ()
    fix: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "error": {
                "name": self.kind,
                "message": self.what,
                "where": self.where or None,
                "why": self.why or None,
                "details": list(self.details),
                "fix": self.fix or None,
            }
        }


class Problem(TaskkitError):  # noqa: N818 - a mistake of the user's is one, an error or not
    """A mistake in what was typed, or trouble round it, that the command line itself found."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: str = "",
        details: Sequence[str] = (),
        fix: str = "",
        status: int = USAGE,
    ) -> None:
        super().__init__(" ".join(part for part in (what, where, why, fix) if part))
        self.status = status
        self.block = Block(type(self).__name__, what, where, why, tuple(details), fix)


def block_of(error: BaseException) -> Block:
    """How an error is shown."""
    if isinstance(error, Problem):
        return error.block
    kind = type(error).__name__
    if isinstance(error, PayloadValidationError) and error.errors():
        what = str(error).partition(": ")[0]
        return Block(
            kind,
            f"{what}.",
            details=tuple(places(error.errors())),
            fix="Correct the payload; nothing was triggered.",
        )
    if isinstance(error, TaskkitError):
        first, *rest = str(error).split("\n")
        what, *more = _SENTENCE.split(first, maxsplit=1)
        return Block(kind, what, why=" ".join(more), details=tuple(rest))
    fix = "Run it again with --debug to see where."
    return Block(kind, f"{kind}: {error}" if str(error) else kind, fix=fix)


def places(errors: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """pydantic's verdict, one line for each place."""
    for error in errors:
        place = ".".join(("payload", *map(str, error.get("loc", ()))))
        given = ""
        if "input" in error and error.get("type") != "missing":
            text = repr(error["input"])
            if len(text) > _LONGEST_INPUT:
                text = text[: _LONGEST_INPUT - 3] + "..."
            given = f" (given {text})"
        yield f"{place}: {error.get('msg', '')}{given}"


def status_of(error: BaseException) -> int:
    """The exit status that an error means: 2 for what was typed, 3 for configuration and backend."""
    if isinstance(error, Problem):
        return error.status
    if isinstance(error, UnsupportedByBackendError | BackendNotConfiguredError):
        return TROUBLE
    if isinstance(error, InvalidDurationError | InvalidCronError):
        return USAGE
    if isinstance(error, ConfigError | BackendError | DefinitionError):
        return TROUBLE
    return USAGE if isinstance(error, TaskkitError) else TROUBLE
