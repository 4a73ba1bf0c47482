"""What is kept of an analysis: values with their types, one reply to one request, statements that were refused."""

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from pydantic import JsonValue

from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import digest_of
from buster_tasks.analyst.journal import (
    MOST_BYTES,
    JournaledModel,
    PlainJournal,
    decoded,
    encoded,
    kept_result,
)
from buster_tasks.language_model import Message, ModelRequest, ToolCall
from buster_tasks.language_model.errors import ModelUnavailableError
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.testing import FakeModel

anyio = pytest.mark.anyio

NAIVE = datetime.fromisoformat("2024-02-29T23:59:59.999999")
CELLS: list[Any] = [
    None, True, False, 0, -1, 2**53 - 1, 2**53, -(2**70), 1.5, -0.0, 1e300, math.inf, -math.inf,
    Decimal("1.10"), Decimal("-0"), Decimal("1E+30"), Decimal("NaN"), "text", "", '["int", "1"]', "é\n\x00",
    date(2024, 2, 29), NAIVE, datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))), time(1, 2, 3), time(1, 2, tzinfo=UTC),
    timedelta(days=-1, microseconds=5), b"\x00\xff", b"", UUID(int=7), [1, [None, Decimal("2.50")]], [],
    {"a": {"b": [date(2024, 1, 1)]}}, {},
]  # fmt: skip

scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes().map(lambda moment: moment.replace(fold=0))
    | st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
    | st.times().map(lambda moment: moment.replace(fold=0))
    | st.timedeltas()
    | st.uuids()
)
cells: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def result(*cells: object, truncated: bool = False) -> QueryResult:
    columns = tuple(QueryColumn(f"c{at}", "any") for at in range(len(cells)))
    return QueryResult(columns, [tuple(cells)], truncated=truncated)


def through_json(found: QueryResult) -> QueryResult:
    """As it comes back from a journal."""
    return decoded(json.loads(json.dumps(encoded(found), allow_nan=False)))


def typed(cell: object) -> object:
    """The cell with the types of all its parts."""
    if isinstance(cell, list):
        return [typed(one) for one in cast("list[object]", cell)]
    if isinstance(cell, dict):
        known = cast("dict[str, object]", cell)
        return {name: typed(value) for name, value in known.items()}
    return type(cell), str(cell), repr(cell)


@pytest.mark.parametrize("at", range(len(CELLS)))
def test_a_cell_comes_back_with_its_type(at: int) -> None:
    [row] = through_json(result(CELLS[at])).rows
    assert typed(row[0]) == typed(CELLS[at])


def test_nan_comes_back() -> None:
    [row] = through_json(result(math.nan)).rows
    assert isinstance(row[0], float)
    assert math.isnan(row[0])


@given(st.lists(cells, max_size=5), st.booleans())
def test_any_result_comes_back_as_it_was(row: list[Any], truncated: bool) -> None:
    found = result(*row, truncated=truncated)
    back = through_json(found)
    assert [typed(cell) for cell in back.rows[0]] == [typed(cell) for cell in row]
    assert (back.columns, back.truncated) == (found.columns, truncated)
    assert digest_of(back, is_ordered=True) == digest_of(found, is_ordered=True)


class OfADriver(datetime):
    """As some drivers give it."""


def test_a_subclass_comes_back_as_what_it_is_one_of() -> None:
    [row] = through_json(result(OfADriver.fromisoformat(NAIVE.isoformat()))).rows
    assert typed(row[0]) == typed(NAIVE)


def test_bytearrays_and_tuples_come_back_as_their_plain_kin() -> None:
    [row] = through_json(result(bytearray(b"x"), (1, (2,)))).rows
    assert row == (b"x", [1, [2]])


class Runs:
    """Runs that are counted."""

    def __init__(self, *given: QueryResult | ToolRefusedError) -> None:
        self._given, self.number = list(given), 0

    async def __call__(self) -> QueryResult:
        one = self._given[self.number]
        self.number += 1
        if isinstance(one, ToolRefusedError):
            raise one
        return one


@anyio
async def test_a_statement_is_run_once() -> None:
    journal, run = PlainJournal(), Runs(result(Decimal("1.5")))
    first = await kept_result(journal, 1, ["shop", "SELECT 1"], run)
    again = await kept_result(PlainJournal(journal.entries), 1, ["shop", "SELECT 1"], run)
    assert run.number == 1
    assert typed(again.rows[0][0]) == typed(first.rows[0][0])


@anyio
async def test_another_statement_at_the_same_place_is_run() -> None:
    journal, run = PlainJournal(), Runs(result(1), result(2))
    await kept_result(journal, 1, ["shop", "SELECT 1"], run)
    other = await kept_result(journal, 1, ["shop", "SELECT 2"], run)
    assert (run.number, other.rows) == (2, [(2,)])


@anyio
async def test_a_result_that_is_too_large_is_run_again() -> None:
    journal, run = PlainJournal(), Runs(result("x" * MOST_BYTES), result("y" * MOST_BYTES))
    first = await kept_result(journal, 1, ["shop", "SELECT x"], run)
    assert first.rows[0][0] == "x" * MOST_BYTES
    assert len(json.dumps(journal.entries)) < 1_000
    again = await kept_result(journal, 1, ["shop", "SELECT x"], run)
    assert (run.number, again.rows[0][0]) == (2, "y" * MOST_BYTES)


@anyio
async def test_a_refusal_is_kept_like_a_result() -> None:
    """What the model was told before a crash is what it is told after it, whatever the database says by then."""
    journal, run = PlainJournal(), Runs(ToolRefusedError("No such column.", fix="Look."), result(1))
    for _ in range(2):
        with pytest.raises(ToolRefusedError) as caught:
            await kept_result(journal, 1, ["shop", "SELECT nope"], run)
        assert (caught.value.message, caught.value.fix) == ("No such column.", "Look.")
    assert run.number == 1


def request(text: str) -> ModelRequest:
    return ModelRequest(messages=(Message.user(text),))


@anyio
async def test_a_reply_is_paid_for_once_and_has_its_usage_again() -> None:
    journal = PlainJournal()
    paid = await JournaledModel(FakeModel([ToolCall.of("a", x=1)]), journal).reply(request("?"))
    asked = FakeModel([])
    again = await JournaledModel(asked, PlainJournal(journal.entries)).reply(request("?"))
    assert asked.calls == 0
    assert again == paid
    assert again.usage.prompt_tokens > 0


@anyio
async def test_another_request_is_asked_anew_from_there_on() -> None:
    journal = PlainJournal()
    old = JournaledModel(FakeModel(["1", "2", "3"]), journal)
    for text in ("a", "b", "c"):
        await old.reply(request(text))
    model = FakeModel(["20", "30"])
    new = JournaledModel(model, PlainJournal(journal.entries))
    replies = [(await new.reply(request(text))).text for text in ("a", "B", "a, B, then c")]
    assert replies == ["1", "20", "30"]


@anyio
async def test_equal_requests_have_a_reply_each_and_models_do_not_mix() -> None:
    journal = PlainJournal()
    one = JournaledModel(FakeModel(["1", "2"]), journal, "one")
    other = JournaledModel(FakeModel(["3"]), journal, "other")
    said = [(await model.reply(request("?"))).text for model in (one, one, other)]
    assert said == ["1", "2", "3"]


@anyio
async def test_an_error_is_not_kept() -> None:
    journal = PlainJournal()
    model = JournaledModel(FakeModel([ModelUnavailableError("Gone.")]), journal)
    with pytest.raises(ModelUnavailableError):
        await model.reply(request("?"))
    assert journal.entries == cast("dict[str, JsonValue]", {})
