"""Everything that is a language model, and what it gives. Checked, never run."""

from typing import Any, assert_type

from buster_tasks.language_model import (
    BudgetedModel,
    InvalidArguments,
    LanguageModel,
    LitellmModel,
    Message,
    ModelBudget,
    ModelReply,
    ModelRequest,
    RecordedModel,
    RecordingModel,
    ScrubbedModel,
    ToolCall,
    Usage,
)
from buster_tasks.testing import FakeModel, HttpError, ScriptedLLM
from taskkit.model.redaction import Redaction

fake = FakeModel(["yes", ToolCall.of("a", b=1), [ToolCall.of("c")], ValueError()])
models: list[LanguageModel] = [
    LitellmModel("openai/gpt-4o", api_key="env:KEY"),
    fake,
    FakeModel(lambda request: request.messages[-1].content),
    BudgetedModel(fake, ModelBudget(tokens=1)),
    ScrubbedModel(fake, Redaction()),
    RecordingModel(fake, "replies.jsonl"),
    RecordedModel("replies.jsonl"),
]
server = ScriptedLLM(["yes", HttpError(500), lambda seen: seen.path])


async def ask(model: LanguageModel) -> None:
    reply = await model.reply(ModelRequest(messages=(Message.user("x"),)), timeout=5)
    assert_type(reply, ModelReply)
    assert_type(reply.tool_calls[0].parse(), dict[str, Any] | InvalidArguments)
    assert_type(await model.estimate(ModelRequest(messages=())), Usage)
