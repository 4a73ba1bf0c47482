"""What stands in the messages of a request, read back: question, tables, results of tools."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from buster_tasks.language_model import Message, ModelRequest

_BLOCK: Final = re.compile(r"<data-([0-9a-f]+)>\n(.*?)\n</data-\1>", re.DOTALL)
_QUESTION: Final = re.compile(r"^Question: (.*?)(?:\n\n|\Z)", re.DOTALL)
_SOURCES: Final = re.compile(r"^Data sources: (.*)\.$", re.MULTILINE)
_SOURCE: Final = re.compile(r"(?P<name>.+?) \((?P<kind>\w+), (?P<tables>\d+) tables\)(?:; |$)")
_RESULT: Final = re.compile(r"^Result (r\d+): (\d+) rows")
_TABLES: Final = re.compile(r"^Tables of (.+):$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Done:
    """A call that was made, and what came of it."""

    name: str
    arguments: dict[str, Any]
    said: str
    data: Any = None

    @property
    def is_refused(self) -> bool:
        """Whether the tool could not do it."""
        return self.said.startswith("Not done.")


@dataclass(slots=True)
class Talk:
    """A request as the offline model sees it."""

    question: str
    kinds: dict[str, str]
    tables: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    described: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    notes: list[str] = field(default_factory=list[str])
    done: list[Done] = field(default_factory=list[Done])
    tools: frozenset[str] = frozenset()

    @classmethod
    def of(cls, request: ModelRequest) -> Talk:
        """What the messages hold."""
        first = next(message for message in request.messages if message.role == "system").content
        opening = _opening(request.messages)
        question = _QUESTION.match(opening)
        talk = cls(
            question[1].strip() if question else opening,
            _kinds(first),
            tools=frozenset(tool.name for tool in request.tools),
        )
        talk._open(opening)
        talk.done = list(_done(request.messages))
        for call in talk.done:
            if call.name == "describe_table" and call.data:
                source = call.arguments.get("source")
                told = cast("list[dict[str, Any]]", call.data)
                talk.described += [{"source": source, **one} for one in told]
        return talk

    def calls_of(self, name: str) -> list[Done]:
        """The calls of a tool, in order."""
        return [call for call in self.done if call.name == name]

    def _open(self, opening: str) -> None:
        for found in _TABLES.finditer(opening):
            block = _BLOCK.search(opening, found.end())
            if block is not None:
                self.tables[found[1]] = [str(name) for name in json.loads(block[2])]
        if "\n\nTables:\n" in opening:
            block = _BLOCK.search(opening, opening.index("\n\nTables:\n"))
            if block is not None:
                self.described = list(json.loads(block[2]))
        if "\n\nNotes:\n" in opening:
            lines = opening.split("\n\nNotes:\n", 1)[1].split("\n\n", 1)[0].splitlines()
            self.notes = [line.removeprefix("- ") for line in lines]


def result_number(call: Done) -> tuple[str, int] | None:
    """The id of the result of a statement, and how many rows it has."""
    found = _RESULT.match(call.said)
    return (found[1], int(found[2])) if found else None


def _opening(messages: Sequence[Message]) -> str:
    """The message that the state began with: the last one of the user before the model said anything in it."""
    found = [
        message.content
        for message in messages
        if message.role == "user" and message.content.startswith("Question: ")
    ]
    return found[-1] if found else messages[-1].content


def _kinds(first: str) -> dict[str, str]:
    found = _SOURCES.search(first)
    return {} if found is None else {one["name"]: one["kind"] for one in _SOURCE.finditer(found[1])}


def _done(messages: Sequence[Message]) -> Iterator[Done]:
    calls = {
        call.id: call
        for message in messages
        if message.role == "assistant"
        for call in message.tool_calls
    }
    for message in messages:
        call = calls.get(message.tool_call_id or "")
        if message.role != "tool" or call is None:
            continue
        block = _BLOCK.search(message.content)
        said = message.content if block is None else message.content[: block.start()].strip()
        given = call.parse()
        yield Done(
            call.name,
            given if isinstance(given, dict) else {},
            said,
            None if block is None else json.loads(block[2]),
        )
