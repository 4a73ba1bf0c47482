import traceback

import pytest

from buster_tasks.language_model import (
    Message,
    ModelReply,
    ModelRequest,
    ScrubbedModel,
    ToolCall,
    ToolSpec,
)
from buster_tasks.language_model.errors import RateLimitedError
from buster_tasks.sources.secrets import remembering_secrets, resolve_secret
from buster_tasks.testing import FakeModel
from taskkit.model.redaction import Redaction

pytestmark = pytest.mark.anyio

SECRET = "hunter2/ü\"'7f3a"
ASKED = ModelRequest(
    messages=(
        Message.system(f"The DSN is postgresql://me:{SECRET}@host/db."),
        Message.assistant("", (ToolCall.of("connect", password=SECRET),)),
        Message.tool("call_1", repr(SECRET)),
    ),
    tools=(ToolSpec(name="connect", description=f"Uses {SECRET}.", parameters={"d": SECRET}),),
)


def scrubbed(fake: FakeModel) -> ScrubbedModel:
    redaction = Redaction()
    redaction.add(SECRET)
    return ScrubbedModel(fake, redaction)


async def test_a_model_is_told_no_secret() -> None:
    fake = FakeModel(["Yes."])
    model = scrubbed(fake)
    reply = await model.reply(ASKED)
    assert reply.text == "Yes."
    (told,) = fake.requests
    assert "7f3a" not in told.model_dump_json()
    assert told.messages[0].content == "The DSN is postgresql://me:********@host/db."
    assert told.messages[1].tool_calls[0].parse() == {"password": "********"}
    assert (await model.estimate(ASKED)).tokens > 0


async def test_what_needs_no_mask_stays_as_it_is() -> None:
    fake = FakeModel(["Yes."])
    asked = ModelRequest(messages=(Message.user("x"),), tools=(ToolSpec(name="a", description=""),))
    await scrubbed(fake).reply(asked)
    assert fake.requests == [asked]
    assert fake.requests[0].digest == asked.digest


async def test_a_reply_holds_no_secret() -> None:
    pieces: list[str] = []

    async def hear(piece: str, attempt: int) -> None:
        pieces.append(piece)

    said = ModelReply(text=f"It is {SECRET}", tool_calls=(ToolCall.of("x", a=SECRET),))
    reply = await scrubbed(FakeModel([said])).reply(ASKED, on_text=hear)
    assert "7f3a" not in reply.model_dump_json()
    assert "".join(pieces) == reply.text == "It is ********"


async def test_an_error_holds_no_secret() -> None:
    error = RateLimitedError(f"No {SECRET}.", fix=f"Change {SECRET}.", retry_after=3)
    error.__cause__ = ValueError(SECRET)
    with pytest.raises(RateLimitedError) as caught:
        await scrubbed(FakeModel([error])).reply(ASKED)
    assert str(caught.value) == "No ********. Change ********."
    assert (caught.value.message, caught.value.retry_after) == ("No ********.", 3)
    assert "7f3a" not in "".join(traceback.format_exception(caught.value))


async def test_secrets_of_sources_that_are_resolved_later_count_too() -> None:
    fake = FakeModel(["Yes."])
    with remembering_secrets() as known:
        model = ScrubbedModel(fake, known)
        resolve_secret(SECRET)
        await model.reply(ASKED)
    assert "7f3a" not in fake.requests[0].model_dump_json()
