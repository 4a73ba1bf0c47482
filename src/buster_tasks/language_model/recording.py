"""Replies kept in a file of JSON lines, and played again without a model."""

from __future__ import annotations

from collections import defaultdict, deque
from pathlib import Path

from pydantic import ValidationError

from buster_tasks.language_model.base import (
    LanguageModel,
    ModelReply,
    ModelRequest,
    ModelValue,
    TextListener,
    Usage,
    no_listener,
    rough_estimate,
)
from buster_tasks.language_model.errors import LanguageModelError, ReplyNotRecordedError


class RecordedReply(ModelValue):
    """One line of a recording; `digest` is that of the request."""

    digest: str
    request: ModelRequest
    reply: ModelReply


class RecordingModel:
    """A model that adds each request and its reply to a file, one JSON object a line: {digest, request, reply}.

    Put it within a `ScrubbedModel`, so that what is written down holds no secret. Errors are not recorded.
    """

    def __init__(self, model: LanguageModel, path: Path | str) -> None:
        self._model = model
        self._path = Path(path)

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """See `LanguageModel`."""
        reply = await self._model.reply(request, on_text=on_text, timeout=timeout)
        line = RecordedReply(digest=request.digest, request=request, reply=reply)
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line.model_dump_json(exclude_defaults=True) + "\n")
        return reply

    async def estimate(self, request: ModelRequest) -> Usage:
        """See `LanguageModel`."""
        return await self._model.estimate(request)


class RecordedModel:
    """A model that says what is in a recording, to equal requests in the order of the file, and asks nobody.

    Raises LanguageModelError for a file that is no recording, and ReplyNotRecordedError for a request that it has not.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._replies: defaultdict[str, deque[ModelReply]] = defaultdict(deque[ModelReply])
        for number, line in enumerate(self._path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                kept = _read(line, self._path, number)
                self._replies[kept.request.digest].append(kept.reply)

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """See `LanguageModel`: the text in one piece."""
        replies = self._replies.get(request.digest)
        if not replies:
            raise self._missing(request, known=replies is not None)
        reply = replies.popleft()
        if reply.text:
            await on_text(reply.text, 1)
        return reply

    async def estimate(self, request: ModelRequest) -> Usage:
        """Three bytes to a token, at no cost."""
        return rough_estimate(request).model_copy(update={"cost_usd": 0.0})

    def _missing(self, request: ModelRequest, *, known: bool) -> ReplyNotRecordedError:
        last = request.messages[-1].content if request.messages else ""
        what = "has no other reply" if known else "has no reply"
        return ReplyNotRecordedError(
            f"The recording {str(self._path)!r} {what} to the request {request.digest[:12]}, "
            f"which ends in: {last[:300]!r}.",
            fix="Record it again, or look what has changed in the request.",
        )


def _read(line: str, path: Path, number: int) -> RecordedReply:
    try:
        return RecordedReply.model_validate_json(line)
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
    raise LanguageModelError(
        f"Line {number} of {str(path)!r} is no recorded reply: {reason}.",
        fix="Give a file that RecordingModel has written.",
    )
