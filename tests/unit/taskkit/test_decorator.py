"""The forms of `@task`: bare, with parentheses, with options."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

import taskkit
from taskkit import Context, errors, schema_task, task
from taskkit.errors import TaskSignatureError


def test_bare() -> None:
    @task
    def count_words(text: str) -> int:
        """How many words a text has."""
        return len(text.split())

    assert count_words.id == "count-words"
    assert count_words.definition.description == "How many words a text has."
    assert count_words("a plain call") == 3
    assert taskkit.run_task(count_words, "a run of it").unwrap() == 4


def test_bare_async_with_context() -> None:
    @task
    async def tell_id(ctx: Context) -> str:
        return ctx.task.id

    assert taskkit.run_task(tell_id).unwrap() == "tell-id"


def test_every_form_knows_the_local_names() -> None:
    class Order(BaseModel):
        amounts: list[int]

    @task
    def bare(order: Order) -> int:
        return sum(order.amounts)

    @task()
    def called(order: Order) -> int:
        return sum(order.amounts)

    @schema_task(schema=Order)
    def with_schema(order: Order) -> int:
        return sum(order.amounts)

    for each in (bare, called, with_schema):
        assert each.definition.payload_type is Order
        assert each.definition.has_payload


def test_the_schema_as_an_option() -> None:
    @task(id="with-schema", schema=Annotated[int, Field(gt=3)])
    def with_schema(payload: Any) -> int:
        return payload + 1

    assert taskkit.run_task(with_schema, "4").unwrap() == 5


def test_a_text_is_no_function() -> None:
    with pytest.raises(TaskSignatureError, match=r'Write @task\(id="my-id"\)\.'):
        task("my-id")  # type: ignore[call-overload]  # the mistake that is tested


def test_a_function_and_options_at_once() -> None:
    def fn() -> None: ...

    with pytest.raises(TaskSignatureError, match=r"Write task\(ttl=\.\.\.\)\(function\)"):
        task(fn, ttl=5)  # type: ignore[call-overload]  # the mistake that is tested


@pytest.mark.parametrize("given", [None, 5, [], {"id": "x"}])
def test_anything_else_is_no_function(given: Any) -> None:
    with pytest.raises(TaskSignatureError, match="is no function"):
        task(given)


def test_a_class_is_no_function() -> None:
    with pytest.raises(TaskSignatureError, match="is a class"):
        task(BaseModel)


def test_schema_task_demands_its_schema() -> None:
    with pytest.raises(TypeError, match="schema"):
        schema_task(lambda payload: payload)  # type: ignore[call-overload]  # the mistake that is tested


def test_a_misspelt_hook_is_told_with_its_place_and_the_near_one() -> None:
    def work() -> None: ...

    with pytest.raises(errors.HookSignatureError) as caught:
        task(id="work", on_sucess=lambda: None)(work)  # type: ignore[call-overload]  # misspelt on purpose
    assert "on_sucess is no hook" in str(caught.value)
    assert "Did you mean 'on_success'?" in str(caught.value)
    assert "test_decorator.py:" in str(caught.value)


def test_a_misspelt_option_is_told_with_the_near_one() -> None:
    def work() -> None: ...

    with pytest.raises(
        errors.InvalidOptionError, match=r"max_duraton is 3: .*Did you mean 'max_duration'\?"
    ):
        task(id="work", max_duraton=3)(work)  # type: ignore[call-overload]  # misspelt on purpose
