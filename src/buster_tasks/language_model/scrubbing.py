"""Keeping secrets out of what a model is told, and of what it makes others say."""

from __future__ import annotations

from buster_tasks.language_model.base import (
    LanguageModel,
    ModelReply,
    ModelRequest,
    TextListener,
    Usage,
    no_listener,
)
from buster_tasks.language_model.errors import LanguageModelError
from taskkit.model.redaction import Redaction


class ScrubbedModel:
    """A model that is told no secret: each is masked in requests, replies and errors.

        with remembering_secrets() as known:  # those of the sources that are opened in this block
            model = ScrubbedModel(model, known)

    What is added to `redaction` later counts too. Pieces of text are masked one by one: a secret that a model could
    only say if it were told elsewhere, and that is cut in two, goes through to `on_text`, not to the reply.
    """

    def __init__(self, model: LanguageModel, redaction: Redaction) -> None:
        self._model = model
        self._redaction = redaction

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """See `LanguageModel`."""

        async def heard(piece: str, attempt: int) -> None:
            await on_text(self._redaction.text(piece), attempt)

        failure: LanguageModelError
        try:
            reply = await self._model.reply(self._request(request), on_text=heard, timeout=timeout)
        except LanguageModelError as error:
            failure = error
        else:
            return ModelReply.model_validate(self._redaction.data(reply.model_dump()))
        self._mask(failure)
        raise failure

    async def estimate(self, request: ModelRequest) -> Usage:
        """See `LanguageModel`."""
        return await self._model.estimate(self._request(request))

    def _request(self, request: ModelRequest) -> ModelRequest:
        return ModelRequest.model_validate(self._redaction.data(request.model_dump()))

    def _mask(self, error: LanguageModelError) -> None:
        text = self._redaction.text
        error.args = tuple(text(one) if isinstance(one, str) else one for one in error.args)
        error.message, error.fix = text(error.message), text(error.fix)
        error.__cause__, error.__suppress_context__ = None, True
