import json
from pathlib import Path
from typing import Any

import pytest

from buster_tasks.language_model import (
    Message,
    ModelReply,
    ModelRequest,
    RecordedModel,
    RecordingModel,
    ToolCall,
    Usage,
)
from buster_tasks.language_model.errors import (
    LanguageModelError,
    ModelUnavailableError,
    ReplyNotRecordedError,
)
from buster_tasks.testing import FakeModel

pytestmark = pytest.mark.anyio

ONE = ModelRequest(messages=(Message.user("One?"),))
TWO = ModelRequest(messages=(Message.user("Two?\u2028é"),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replies.jsonl"


async def test_what_was_recorded_is_played_again(path: Path) -> None:
    usage = Usage(prompt_tokens=5, completion_tokens=2, cost_usd=0.1)
    script = [ModelReply(text="Yes.\u2028", usage=usage), ToolCall.of("a", b="ü"), "Again."]
    recording = RecordingModel(FakeModel(script), path)
    said = [await recording.reply(request) for request in (ONE, TWO, ONE)]
    heard: list[str] = []

    async def hear(piece: str, attempt: int) -> None:
        heard.append(piece)

    recorded = RecordedModel(path)
    played = [await recorded.reply(request, on_text=hear) for request in (ONE, ONE, TWO)]
    assert played == [said[0], said[2], said[1]]
    assert heard == ["Yes.\u2028", "Again."]
    assert (await recorded.estimate(ONE)).cost_usd == 0
    assert await recording.estimate(ONE) == await FakeModel([]).estimate(ONE)


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_a_line_has_the_digest_the_request_and_the_reply(path: Path) -> None:
    await RecordingModel(FakeModel(["Yes."]), path).reply(ONE)
    (line,) = lines_of(path)
    assert sorted(line) == ["digest", "reply", "request"]
    assert line["digest"] == ONE.digest
    assert line["request"] == {"messages": [{"role": "user", "content": "One?"}]}


async def test_errors_are_not_recorded(path: Path) -> None:
    model = RecordingModel(FakeModel([ModelUnavailableError("Down."), "Yes."]), path)
    with pytest.raises(ModelUnavailableError):
        await model.reply(ONE)
    await model.reply(ONE)
    assert len(lines_of(path)) == 1


async def test_a_request_that_was_not_recorded_is_told(path: Path) -> None:
    await RecordingModel(FakeModel(["Yes."]), path).reply(ONE)
    model = RecordedModel(path)
    with pytest.raises(ReplyNotRecordedError, match=r"has no reply to the request .* 'Two\?"):
        await model.reply(TWO)
    await model.reply(ONE)
    with pytest.raises(ReplyNotRecordedError, match="has no other reply"):
        await model.reply(ONE)


async def test_a_line_that_is_no_reply_is_named(path: Path) -> None:
    await RecordingModel(FakeModel(["Yes."]), path).reply(ONE)
    with path.open("a", encoding="utf-8") as file:
        file.write('\n{"digest": "x"}\n')
    with pytest.raises(LanguageModelError, match=r"Line 3 of .*replies\.jsonl' is no recorded"):
        RecordedModel(path)
