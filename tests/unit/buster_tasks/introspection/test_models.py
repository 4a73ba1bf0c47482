import json

import pytest
from pydantic import SecretStr, ValidationError

from buster_tasks.introspection.models import (
    ErrorDetail,
    IntrospectDataInput,
    IntrospectDataOptions,
    IntrospectDataOutput,
)
from buster_tasks.sources.credentials import PostgresCredentials
from buster_tasks.sources.schema import Filters, Issue

RAW = {
    "dataSourceName": "shop",
    "credentials": {"type": "postgres", "host": "h", "database": "d", "username": "u", "password": "hunter2"},
    "options": {"tables": ["o*"], "excludeTables": ["old"], "statistics": "catalog"},
}  # fmt: skip


def test_the_originals_payload_is_taken() -> None:
    payload = IntrospectDataInput.model_validate(RAW)
    assert payload == IntrospectDataInput(
        data_source_name="shop",
        credentials=PostgresCredentials(
            host="h", database="d", username="u", password=SecretStr("hunter2")
        ),
        options=IntrospectDataOptions(tables=["o*"], exclude_tables=["old"], statistics="catalog"),
    )


def test_the_payload_is_stable_when_its_secret_is_put_back() -> None:
    payload = IntrospectDataInput.model_validate(RAW)
    stored = json.loads(payload.model_dump_json(round_trip=True, by_alias=True))
    assert "hunter2" not in json.dumps(stored) + repr(payload)
    assert set(stored) == {"dataSourceName", "credentials", "options"}
    stored["credentials"]["password"] = "hunter2"
    assert IntrospectDataInput.model_validate_json(json.dumps(stored)) == payload


def test_a_name_is_required() -> None:
    with pytest.raises(ValidationError, match="Data source name is required"):
        IntrospectDataInput.model_validate({**RAW, "dataSourceName": ""})


@pytest.mark.parametrize("change", [{"credentials": {**RAW["credentials"], "port": "x"}}, {"options": 5}, {"x": 1}])  # type: ignore[dict-item]  # a mapping it is # fmt: skip
def test_what_is_wrong_is_told_without_the_secret(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        IntrospectDataInput.model_validate({**RAW, **change})
    assert "hunter2" not in str(caught.value)


def test_a_wrong_value_that_is_the_secret_is_not_shown() -> None:
    raw = {**RAW, "credentials": {"type": "postgres", "password": ["hunter2"]}}
    with pytest.raises(ValidationError) as caught:
        IntrospectDataInput.model_validate(raw)
    assert "hunter2" not in str(caught.value)


def test_the_filters_are_the_options_without_the_rest() -> None:
    options = IntrospectDataOptions(
        databases=["a"], schemas=["b"], statistics="full", snapshot=False
    )
    assert options.filters() == Filters(databases=["a"], schemas=["b"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_rows": 0},
        {"sampleRows": 10**7},
        {"seed": -1},
        {"connections": 0},
        {"connections": 99},
    ],
    ids=lambda wrong: "-".join(f"{name}={value}" for name, value in wrong.items()),
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        IntrospectDataOptions.model_validate(wrong)


@pytest.mark.parametrize(
    ("changes", "where", "near"),
    [
        ({"options": {"exclude_table": ["a"]}}, ("options", "exclude_table"), "exclude_tables"),
        ({"options": {"sampleRow": 5}}, ("options", "sampleRow"), "sample_rows"),
        ({"optoins": {}}, ("optoins",), "options"),
        ({"datasourceName": "x"}, ("datasourceName",), "data_source_name"),
    ],
    ids=["snake_case", "camelCase", "top level", "another case"],
)
def test_an_unknown_name_is_told_with_the_nearest(
    changes: dict[str, object], where: tuple[str, ...], near: str
) -> None:
    known = {"dataSourceName": "shop", "credentials": {"type": "sqlite", "path": "shop.db"}}
    with pytest.raises(ValidationError, match=f"did you mean '{near}'") as caught:
        IntrospectDataInput.model_validate({**known, **changes})
    [error] = caught.value.errors()
    assert (error["loc"], error["input"]) == (where, None)


def test_the_output_is_camel_case_on_the_wire() -> None:
    output = IntrospectDataOutput(
        success=False, data_source_name="shop", error=ErrorDetail(code="X", message="No.")
    )
    wire = json.loads(output.model_dump_json(by_alias=True))
    assert set(wire) == {
        "success", "dataSourceName", "error", "connection", "introspection", "issues", "complete", "counts",
        "snapshotId", "stream",
    }  # fmt: skip
    assert IntrospectDataOutput.model_validate(wire) == output


def test_counts_are_camel_case_on_the_wire_and_the_names_of_fields_in_python() -> None:
    counts = {"tables": 2, "primary_keys": 1, "foreign_keys": 0}
    output = IntrospectDataOutput(success=True, data_source_name="shop", counts=counts)
    wire = json.loads(output.model_dump_json(by_alias=True))
    assert wire["counts"] == {"tables": 2, "primaryKeys": 1, "foreignKeys": 0}
    assert IntrospectDataOutput.model_validate(wire).counts == counts
    assert output.model_dump()["counts"] == counts
    assert IntrospectDataOutput.model_validate(output.model_dump()) == output


def test_an_issue_that_comes_later_stands_first_and_is_counted() -> None:
    first, later = (
        Issue(scope="source", object="shop", code=code, message="So.") for code in ("A", "B")
    )
    output = IntrospectDataOutput(
        success=True, data_source_name="shop", issues=[first], counts={"tables": 2, "issues": 1}
    )
    told = output.with_issue(later)
    assert [issue.code for issue in told.issues] == ["B", "A"]
    assert told.counts == {"tables": 2, "issues": 2}
    assert output.with_issue(None) is output
    without = output.model_copy(update={"counts": None})
    assert without.with_issue(later).counts is None
