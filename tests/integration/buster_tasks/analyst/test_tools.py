"""Tools, one by one: what they refuse, and that no arguments whatever make them crash."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from buster_tasks.analyst.state import State
from buster_tasks.analyst.tools import TOOLS, tools_of
from buster_tasks.language_model import ModelRequest, ToolCall
from buster_tasks.testing import FakeModel
from tests.integration.buster_tasks.analyst.conftest import (
    BY_COUNTRY,
    CONTEXT,
    FOUND,
    PLAN,
    Ask,
    run_sql,
)

pytestmark = pytest.mark.anyio


async def said_to(ask: Ask, *calls: ToolCall, state: State = State.ANALYZING) -> list[str]:
    """What calls of a state are answered."""
    before = {
        State.SEARCHING: [],
        State.PLANNING: [CONTEXT],
        State.ANALYZING: [CONTEXT, PLAN, run_sql(BY_COUNTRY)],
    }[state]
    after = {
        State.SEARCHING: [CONTEXT, PLAN, run_sql(BY_COUNTRY), FOUND],
        State.PLANNING: [PLAN, run_sql(BY_COUNTRY), FOUND],
        State.ANALYZING: [FOUND],
    }[state]
    model = FakeModel([*before, *calls, *after])
    output = await ask(model)
    assert output.success, output.error
    assert output.result is not None
    assert output.result.findings[0].verdict == "verified"
    assert model.turns_left == 0
    last = next(
        request
        for request in reversed(model.requests)
        if {tool.name for tool in request.tools} == {tool.name for tool in tools_of(state)}
    )
    told = [message.content for message in last.messages if message.role == "tool"]
    return told[-len(calls) :]


async def test_looking_says_what_there_is(ask: Ask) -> None:
    told = await said_to(
        ask,
        ToolCall.of("search_schema", text="zzzz"),
        ToolCall.of("list_tables"),
        ToolCall.of("list_tables", after="main.orders"),
        ToolCall.of("search_values", text="FRANCE"),
        ToolCall.of("search_values", text="nowhere", table="customers"),
        ToolCall.of("search_values", text="x", table="nothing"),
        ToolCall.of("preview_table", table="customers"),
        state=State.SEARCHING,
    )
    assert told[0].startswith("Nothing fits these words.")
    assert told[1].startswith("3 tables and views in all.")
    assert "main.orders" not in told[2]
    assert '"values":["France"]' in told[3]
    assert told[4].startswith("No column that was looked at holds it.")
    assert "There is no table 'nothing'." in told[5]
    assert '[1,"Ada","France"]' in told[6]


async def test_planning_goes_back_once(ask: Ask) -> None:
    model = FakeModel(
        [
            CONTEXT,
            ToolCall.of("search_again", reason="Not these."),
            CONTEXT,
            ToolCall.of("search_again", reason="Nor these."),
            PLAN,
            run_sql(BY_COUNTRY),
            FOUND,
        ]
    )
    output = await ask(model)
    assert output.metadata.states.count(State.SEARCHING) == 2
    assert "The search was repeated already." in model.requests[4].messages[-1].content


async def test_making_refuses_what_the_result_does_not_have(ask: Ask) -> None:
    empty = run_sql("SELECT total FROM orders WHERE id < 0")
    told = await said_to(
        ask,
        ToolCall.of("create_metric", name="n", result="r9", column="revenue"),
        ToolCall.of("create_metric", name="n", result="r1", column="nope"),
        empty,
        ToolCall.of("create_metric", name="n", result="r2", column="total"),
        ToolCall.of("create_metric", name="Revenue", result="r1", column="REVENUE"),
        ToolCall.of("create_chart", result="r1", kind="bar", title="t", x="nope", y=["revenue"]),
        ToolCall.of("create_dashboard", name="d", rows=[["m1", "c7"]]),
        ToolCall.of("create_dashboard", name="d", rows=[["m1"] * 5]),
        ToolCall.of("create_dashboard", name="d", rows=[["m1"]]),
    )
    assert "There is no result 'r9'. There are: r1." in told[0]
    assert "Result r1 has no column 'nope'. It has: country, revenue." in told[1]
    assert told[2].startswith("Result r2: 0 rows. Look at filters")
    assert "Result r2 has no rows." in told[3]
    assert told[4].startswith("Metric m1:")
    assert told[5].startswith("Not done.")
    assert "nope" in told[5]
    assert "There is no 'c7'. There are: m1." in told[6]
    assert "A row has 1 to 4 of them." in told[7]
    assert told[8] == "Dashboard d1."


async def test_names_and_titles_hold_no_number_that_the_result_does_not_show(ask: Ask) -> None:
    chart = {"result": "r1", "kind": "bar", "x": "country", "y": ["revenue"]}
    told = await said_to(
        ask,
        ToolCall.of("create_metric", name="Revenue of 5 million", result="r1", column="revenue"),
        ToolCall.of(
            "create_metric",
            name="Revenue",
            description="It rose by 40%.",
            result="r1",
            column="revenue",
        ),
        ToolCall.of("create_chart", title="Revenue rose by 40%", **chart),
        ToolCall.of(
            "create_metric", name="Revenue of France: 559.75", result="r1", column="revenue"
        ),
        ToolCall.of("create_chart", title="Revenue of the 2 countries, Q1 2024", **chart),
        ToolCall.of("create_dashboard", name="Up by 12%", rows=[["m1"]]),
        ToolCall.of("create_dashboard", name="Revenue", rows=[["m1", "c1"]]),
    )
    assert ["does not show" in one for one in told] == [True, True, True, False, False, True, False]


def finding(claim: str, **value: Any) -> ToolCall:
    values = [{"name": "n", **value}] if value else []
    return ToolCall.of("submit_findings", findings=[{"claim": claim, "values": values}])


async def test_findings_whose_values_cannot_be_read_are_refused(ask: Ask) -> None:
    two = [
        {
            "claim": "{{n}} is one.",
            "values": [{"name": "n", "result": "r1", "row": row, "column": "revenue"}],
        }
        for row in (0, 1)
    ]
    told = await said_to(
        ask,
        finding("It is {{n}}.", result="r9", column="revenue"),
        finding("It is {{n}}.", result="r1", column="nope"),
        finding("It is {{n}}.", result="r1", column="revenue", row=99),
        finding("It is {{n}}.", expression="n + n"),
        finding("It is {{n}}.", expression="__import__('os')"),
        finding("It is {{n}}.", expression="9**9**9**9"),
        finding("It is {{other}}.", result="r1", column="revenue"),
        ToolCall.of("submit_findings", findings=two, summary="It is {{n}}."),
        ToolCall.of("submit_findings", findings=two[:1], summary="It is {{m}}."),
    )
    assert all(one.startswith("Not done.") for one in told), told
    assert "{{n}} stands for different values in several findings" in told[7]
    assert "no finding has a value {{m}}" in told[8]


words = st.text(max_size=30) | st.sampled_from(
    [
        "orders",
        "r1",
        "revenue",
        "country",
        "shop",
        "m1",
        "{{n}}",
        "'; --",
        '"',
        "\0",
        "*",
        "NEAR(",
        "🙂" * 50,
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def calls(draw: st.DrawFn) -> ToolCall:
    tool = draw(st.sampled_from(sorted(TOOLS)))
    fields = sorted(TOOLS[tool].arguments.model_fields)
    own = {
        field: draw(values | shaped(field))
        for field in draw(st.lists(st.sampled_from(fields), unique=True))
    }
    text = json.dumps(own) if draw(st.booleans()) else json.dumps(own, ensure_ascii=False)
    return ToolCall(id="", name=tool, arguments=text)


def shaped(field: str) -> st.SearchStrategy[Any]:
    """A value of the form that this argument has."""
    value = st.fixed_dictionaries(
        {"name": st.sampled_from(["n", "m", "_"])},
        optional={
            "result": words,
            "row": st.integers(0, 10**30),
            "column": words,
            "expression": words
            | st.sampled_from(["n / 0", "n ** n", "-" * 300 + "n", "(" * 300, "1e999 * 10"]),
            "decimals": st.integers(0, 10),
            "format": st.sampled_from(["auto", "percent", "date", "month", "currency"]),
        },
    )
    given_finding = st.fixed_dictionaries(
        {"claim": st.text(min_size=1, max_size=40) | st.just("It is {{n}}, {{ m }} and {{.")},
        optional={"values": st.lists(value, max_size=2), "evidence": st.lists(words, max_size=2)},
    )
    known: dict[str, st.SearchStrategy[Any]] = {
        "findings": st.lists(given_finding, min_size=1, max_size=2),
        "finding": given_finding,
        "tables": st.lists(words, min_size=1, max_size=3)
        | st.lists(st.fixed_dictionaries({"table": words}), min_size=1, max_size=2),
        "rows": st.lists(st.lists(words, max_size=4), min_size=1, max_size=2),
        "limit": st.integers(1, 50),
        "kind": st.sampled_from(["bar", "line", "area", "scatter", "pie"]),
        "steps": st.lists(words, min_size=1, max_size=2),
    }
    return known.get(field, words)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(calls(), min_size=4, max_size=12))
async def test_no_arguments_whatever_make_an_analysis_crash(
    ask: Ask, hostile: list[ToolCall]
) -> None:
    """Each call is made in every state; the analysis goes on, or ends as one may."""
    left = list(hostile) * 2

    def answer(request: ModelRequest) -> list[ToolCall] | ToolCall:
        names = {tool.name for tool in request.tools}
        if "run_sql" in names and len(request.messages) == 2:
            return run_sql(BY_COUNTRY)
        if left:
            return [left.pop() for _ in range(min(4, len(left)))]
        for call in (CONTEXT, PLAN, FOUND):
            if call.name in names:
                return call
        return ToolCall.of("submit_review")

    output = await ask(FakeModel(answer))
    assert output.success, output.error
    assert output.result is not None
    assert output.metadata.states[-1] is State.COMPLETED


@pytest.mark.parametrize(
    "text",
    [
        "Revenue was 5,120 euros.",
        "Sales rose by 40%.",
        "There are seven customers.",
        "The best month was March 2024.",
    ],
)
async def test_an_answer_without_data_may_hold_no_number_that_nothing_has_shown(
    ask: Ask, text: str
) -> None:
    model = FakeModel(
        [
            ToolCall.of("answer_without_data", text=text),
            ToolCall.of("answer_without_data", text="The data has no regions."),
        ]
    )
    output = await ask(model, "How did the regions do?")
    assert output.result is not None
    assert model.requests[1].messages[-1].content.startswith("Not done. No data has shown")
    assert output.result.response == "The data has no regions."


@pytest.mark.parametrize(
    "text",
    [
        "There are 3 tables: customers, orders and order_items.",
        "The table orders has 5 rows and 4 columns.",
        "The data says nothing of 2019.",
        "As said, France brings 559.75.",
        "The first column of each table is its key.",
    ],
)
async def test_it_may_speak_of_the_question_the_catalog_and_earlier_answers(
    ask: Ask, text: str
) -> None:
    before = {"id": "f1", "claim": "x", "text": "France brings 559.75.", "verdict": "verified"}
    output = await ask(
        FakeModel([ToolCall.of("answer_without_data", text=text)]),
        "What tables are there for 2019?",
        context={"previous_findings": [before]},
    )
    assert output.result is not None
    assert (output.result.status, output.result.response) == ("completed", text)
    assert output.metadata.states[-2:] == [State.SEARCHING, State.COMPLETED]
