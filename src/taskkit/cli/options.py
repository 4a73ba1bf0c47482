"""The options that every verb takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from taskkit.model.duration import seconds

Output = Literal["text", "json"]

EVERYWHERE = Group("Options of every command", sort_key=1)


@Parameter(name="*", group=EVERYWHERE)
@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What every verb can be told."""

    app: tuple[str, ...] = ()
    """A module with tasks, `shop.tasks` or `shop/tasks.py`, or a folder of them; may be repeated. Besides the `dirs`
    of the configuration."""
    backend: str | None = None
    """Where runs live, such as `sqlite:///runs.db`; otherwise TASKKIT_BACKEND, or the configuration's."""
    output: Annotated[Output, Parameter(name=["--output", "-o"])] = "text"
    """For people (`text`, which is what you get otherwise), or for programs."""
    debug: bool = False
    """Show the traceback of an error, and what is logged."""

    @property
    def is_json(self) -> bool:
        """Programs read along."""
        return self.output == "json"


NOTHING_SAID = Shared()


def seconds_of(text: str, what: str) -> float:
    """A length of time as it was typed, in seconds; a number alone is seconds."""
    try:
        return seconds(float(text), what=what)
    except ValueError:
        return seconds(text, what=what)
