"""`buster_tasks.analyze`: a question to data sources, from plain code, without a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from buster_tasks.analyst.flow import Surroundings, analyze as flow
from buster_tasks.analyst.models import (
    AnalystAgentTaskInput,
    AnalystAgentTaskOutput,
    AnalystContext,
    AnalystDataSource,
    AnalystOptions,
)
from buster_tasks.language_model import LanguageModel
from buster_tasks.sources.credentials import AnyCredentials, parse_credentials
from buster_tasks.sources.source_url import credentials_from_url
from taskkit.runtime.portal import block_on, refuse_in_event_loop

__all__ = ["analyze"]


class _Analyze:
    """Called with `await`; `.sync` is the same for code without an event loop."""

    async def __call__(
        self,
        query: str,
        sources: Mapping[str, object],
        *,
        model: str | LanguageModel | None = None,
        context: AnalystContext | None = None,
        options: AnalystOptions | None = None,
        session_id: str = "plain",
        time_limit: float | None = None,
    ) -> AnalystAgentTaskOutput:
        """The answer to a question: `sources` has credentials (a model, a mapping or a URL) by name.

        `model` is a string of litellm, `offline`, or a `LanguageModel` of your own. `time_limit` in seconds. Nothing is
        raised for what goes wrong with sources or models: the output says it.
        """
        given = options or AnalystOptions()
        around = Surroundings(secret=session_id, seconds=time_limit)
        if isinstance(model, str):
            given = given.model_copy(update={"model": model})
        elif model is not None:
            given = given.model_copy(update={"model": type(model).__name__})
            around.make_model = lambda _name: model
        payload = AnalystAgentTaskInput(
            session_id=session_id,
            user_id=session_id,
            query=query,
            data_sources=[
                AnalystDataSource(name=name, credentials=_credentials(known))
                for name, known in sources.items()
            ],
            context=context,
            options=given,
        )
        return await flow(payload, around)

    def sync(
        self,
        query: str,
        sources: Mapping[str, object],
        *,
        model: str | LanguageModel | None = None,
        context: AnalystContext | None = None,
        options: AnalystOptions | None = None,
        session_id: str = "plain",
        time_limit: float | None = None,
    ) -> AnalystAgentTaskOutput:
        """The same for plain code. Raises SyncInAsyncError inside a running event loop."""
        refuse_in_event_loop("buster_tasks.analyze")
        return block_on(
            lambda: self(
                query,
                sources,
                model=model,
                context=context,
                options=options,
                session_id=session_id,
                time_limit=time_limit,
            )
        )


analyze: Final = _Analyze()


def _credentials(given: object) -> AnyCredentials:
    return credentials_from_url(given) if isinstance(given, str) else parse_credentials(given)
