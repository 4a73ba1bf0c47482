import http.client
import json
import threading
from contextlib import suppress
from typing import Any

import pytest

from buster_tasks.language_model import ModelReply, ToolCall, Usage
from buster_tasks.testing import (
    BrokenOff,
    Held,
    HttpError,
    RawBody,
    ScriptedLLM,
    ScriptEndedError,
)

PATH = "/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "How many?"}]}


def post(
    server: ScriptedLLM, body: Any = BODY, path: str = PATH
) -> tuple[int, bytes, http.client.HTTPMessage]:
    address = server.url.removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("POST", path, json.dumps(body), {"X-Mine": "yes"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def events(content: bytes) -> list[Any]:
    lines = content.decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


def test_a_whole_answer() -> None:
    usage = Usage(prompt_tokens=10, completion_tokens=2, cached_tokens=4)
    script = [
        ModelReply(text="Three.", usage=usage),
        [ToolCall.of("a", b=1), ToolCall(id="mine", name="c", arguments="{")],
    ]
    with ScriptedLLM(script) as server:
        status, content, _ = post(server)
        answer = json.loads(content)
        called = json.loads(post(server)[1])["choices"][0]
    assert status == 200
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Three."},
            "finish_reason": "stop",
        }
    ]
    assert answer["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    assert called["finish_reason"] == "tool_calls"
    assert [
        (one["id"], one["function"]["arguments"]) for one in called["message"]["tool_calls"]
    ] == [("call_2_1", '{"b": 1}'), ("mine", "{")]


def test_a_streamed_answer() -> None:
    with ScriptedLLM(["There are 3."]) as server:
        status, content, headers = post(server, {**BODY, "stream": True})
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    *texts, end, usage = events(content)
    assert [one["choices"][0]["delta"]["content"] for one in texts] == ["There ", "are ", "3."]
    assert end["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 4


def test_requests_are_kept() -> None:
    with ScriptedLLM(lambda seen: seen.headers["x-mine"]) as server:
        assert json.loads(post(server)[1])["choices"][0]["message"]["content"] == "yes"
        assert post(server, path="/v1/models")[0] == 404
        assert post(server, body="no object")[0] == 200
    assert [(seen.path, seen.body) for seen in server.requests] == [
        (PATH, BODY),
        ("/v1/models", BODY),
        (PATH, {}),
    ]
    assert not server.requests[0].hung_up.is_set()


def test_errors_and_raw_bodies() -> None:
    limited = HttpError(429, lambda seen: f"Slow, {seen.body['model']}.", retry_after=2.5, code="c")
    with ScriptedLLM([limited, RawBody(b"{no")]) as server:
        status, content, headers = post(server)
        raw = post(server)
    assert (status, headers["retry-after"]) == (429, "2.5")
    assert json.loads(content)["error"] == {"message": "Slow, m.", "type": "scripted", "code": "c"}
    assert (raw[0], raw[1], raw[2]["content-type"]) == (200, b"{no", "application/json")


@pytest.mark.parametrize("stream", [True, False])
def test_a_broken_answer(stream: bool) -> None:
    broken = (http.client.IncompleteRead, ConnectionError)
    with ScriptedLLM([BrokenOff("There are 3.")]) as server, pytest.raises(broken):
        post(server, {**BODY, "stream": stream})


def test_a_turn_is_held_until_it_is_released() -> None:
    held = Held("Now.")
    answers: list[int] = []
    with ScriptedLLM([held]) as server:
        asking = threading.Thread(target=lambda: answers.append(post(server)[0]))
        asking.start()
        assert held.reached.wait(10)
        assert answers == []
        held.release()
        asking.join(10)
    assert answers == [200]


def test_who_waits_is_let_go_at_the_end() -> None:
    held = Held("Now.", after=1)
    ended = threading.Event()

    def ask(server: ScriptedLLM) -> None:
        with suppress(OSError, http.client.HTTPException):  # whether it gets the rest is open
            post(server, {**BODY, "stream": True})
        ended.set()

    with ScriptedLLM([held]) as server:
        asking = threading.Thread(target=ask, args=(server,))
        asking.start()
        assert held.reached.wait(10)
        assert not ended.is_set()
    assert ended.wait(10)
    asking.join()


def test_a_script_that_is_too_short_is_told_at_the_end() -> None:
    server = ScriptedLLM(["One."])
    server.__enter__()
    assert [post(server)[0] for _ in range(2)] == [200, 400]
    with pytest.raises(ScriptEndedError, match="How many"):
        server.__exit__(None, None, None)


def test_an_error_in_the_block_is_not_hidden_by_it() -> None:
    server = ScriptedLLM([])
    server.__enter__()
    assert post(server)[0] == 400
    server.__exit__(ValueError, ValueError("mine"), None)
