"""Payloads and trigger options, from text."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from taskkit import Debounce, task
from taskkit.cli.payload import fields_of, json_data, read_options, read_payload
from taskkit.cli.problem import Problem


@pytest.mark.parametrize(
    ("text", "data"),
    [("null", None), ("-5", -5), ('"@x"', "@x"), (' {"a": [1.5]}\n', {"a": [1.5]})],
)
def test_json_is_data(text: str, data: Any) -> None:
    assert read_payload(text) == data


def test_no_payload_is_none() -> None:
    assert read_payload(None) is None


def test_place_of_a_mistake_is_told_with_a_caret_below_it() -> None:
    with pytest.raises(Problem) as caught:
        json_data('[1,\n\t{"b": tru}]', "orders.json")
    block = caught.value.block
    assert block.where == "orders.json, line 2, column 8"
    assert block.details == (' {"b": tru}]', "       ^")


def test_caret_of_a_long_line_stands_in_an_excerpt() -> None:
    with pytest.raises(Problem) as caught:
        json_data('["' + "x" * 500 + '", oops, "' + "y" * 500 + '"]', "stdin")
    shown, caret = caught.value.block.details
    assert len(shown) == 72
    assert shown[caret.index("^") :].startswith("oops")


def test_excerpt_hides_what_is_called_a_secret_and_keeps_the_caret() -> None:
    text = '{"db_password": "canary", "host": nowhere}'
    with pytest.raises(Problem) as caught:
        json_data(text, "stdin")
    shown, caret = caught.value.block.details
    assert "canary" not in shown
    assert shown[caret.index("^") :].startswith("nowhere")


def test_very_deep_json_is_refused() -> None:
    with pytest.raises(Problem, match="too deeply"):
        json_data("[" * 100_000, "stdin")


def test_options_become_what_a_trigger_takes() -> None:
    given = [
        "tags=a", "tags=b=c", "max-attempts=3", "max_duration=inf", "priority=1.5", "delay=10m",
        'metadata={"p": 0}', 'debounce={"key": "k", "delay": "5s"}', "idempotency_key=order 1",
    ]  # fmt: skip
    assert read_options(given) == {
        "tags": ["a", "b=c"],
        "max_attempts": 3,
        "max_duration": math.inf,
        "priority": 1.5,
        "delay": "10m",
        "metadata": {"p": 0},
        "debounce": Debounce("k", "5s"),
        "idempotency_key": "order 1",
    }


def test_delay_may_be_a_moment_or_an_iso_duration() -> None:
    moment = read_options(["delay=2030-01-31T12:00:00+00:00"])
    assert moment == {"delay": datetime(2030, 1, 31, 12, tzinfo=UTC)}
    assert read_options(["delay=PT1H"]) == {"delay": "PT1H"}


@pytest.mark.parametrize("text", ["delay", 'debounce={"keys": "k"}', "debounce=[]", "metadata={"])
def test_option_that_is_none_is_a_problem(text: str) -> None:
    with pytest.raises(Problem):
        read_options([text])


def test_fields_of_a_task_are_told() -> None:
    class Order(BaseModel):
        number: int
        lines: list[str] = []

    @task(id="order")
    async def order(payload: Order) -> None: ...

    @task(id="count")
    async def count(payload: int) -> None: ...

    @task(id="bare")
    async def bare() -> None: ...

    assert fields_of(order.definition) == "It takes: number (integer), lines (array, optional)."
    assert fields_of(count.definition) == "It takes: integer."
    assert fields_of(bare.definition) == fields_of(None) == ""
