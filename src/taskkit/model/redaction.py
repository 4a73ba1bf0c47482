"""Keeping a run's secrets out of what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote, quote_plus

from pydantic_core import from_json

from taskkit.model.error_info import CUT, LINE_LIMIT, ErrorInfo
from taskkit.model.secret_paths import MASK

_SHORTEST = 4  # a shorter one would mask half of what is said
_SHORTEST_LINE = 16


class Redaction:
    """The secret texts of one run: masked in logs, metadata, streams, tags, errors, stacks and spans.

    Not in the payload, where none stands, nor in outputs and memos, which are the task's own words.
    """

    __slots__ = ("_forms",)

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        """`secrets` as a request holds them before they are sealed: JSON texts by JSON pointer."""
        self._forms: list[str] = []
        for value in (secrets or {}).values():
            for secret in _texts_of(from_json(value)):
                self.add(secret)

    def add(self, secret: str) -> None:
        """Mask this text too, however it is written: plain, in a URL, in JSON, in a repr.

        A text of less than 4 characters is let be.
        """
        if len(secret) >= _SHORTEST:
            known = {*self._forms, *_forms_of(secret)}
            self._forms = sorted(known, key=len, reverse=True)  # a longer one may hold a shorter

    def text(self, text: str) -> str:
        """The text with a mask for each secret."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def data(self, value: object) -> Any:
        """JSON data with a mask for each secret in its texts and keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {self.text(str(key)): self.data(item) for key, item in items}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in cast("Iterable[object]", value)]
        return value

    def error(self, info: ErrorInfo) -> ErrorInfo:
        """The record of an error with a mask for each secret."""
        message = self.text(info.message)
        if message.endswith(CUT):
            message = self._without_beginning(message.removesuffix(CUT)) + CUT
        stack = info.stack
        if stack is not None:
            stack = self.text("\n".join(map(self._line, stack.split("\n"))))
        return replace(info, message=message, stack=stack)

    def _line(self, line: str) -> str:
        return self._without_beginning(line) if len(line) >= LINE_LIMIT else line

    def _without_beginning(self, text: str) -> str:
        """A text that was cut off, which may have been in the middle of a secret."""
        for form in self._forms:
            for length in range(min(len(form), len(text)), _SHORTEST - 1, -1):
                if text.endswith(form[:length]):
                    return text[:-length] + MASK
        return text


def _texts_of(secret: object) -> Iterable[str]:
    """What stands in a secret, which may be a whole object."""
    if isinstance(secret, Mapping):
        secret = list(cast("Mapping[object, object]", secret).values())
    if isinstance(secret, list):
        for part in cast("list[object]", secret):
            yield from _texts_of(part)
    elif secret is not None and not isinstance(secret, bool):
        yield str(secret)


def _forms_of(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    lines = secret.splitlines()
    if len(lines) > 1:  # a private key may be quoted line by line
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
