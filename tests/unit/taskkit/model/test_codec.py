"""Payloads and outputs come back as they were, or are refused: nothing is replaced on the way."""

import math
from typing import Any, Never, NoReturn

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, computed_field

from taskkit.errors import NotSerializableError, PayloadTooLargeError
from taskkit.model.codec import READABLE_DEPTH, OutputCodec, PayloadCodec


class Blob(BaseModel):
    data: bytes


class Encoded(BaseModel):
    model_config = ConfigDict(val_json_bytes="base64", ser_json_bytes="base64")
    data: bytes


class Sealed(BaseModel):
    data: bytes
    key: SecretStr


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: int

    @computed_field
    def area(self) -> int:
        return self.side**2


class Reading(BaseModel):
    value: float | None = None


class Spelt(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")
    value: float


def through(schema: Any, payload: object) -> Any:
    codec = PayloadCodec(schema, "task 'a'")
    return codec.decode(*codec.encode(payload))


def back(annotation: Any, output: object) -> Any:
    codec = OutputCodec(annotation, "task 'a'")
    return codec.decode(codec.encode(output))


def nested(levels: int) -> Any:
    data: Any = 1
    for _ in range(levels):
        data = [data]
    return data


# --- payloads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (bytes, b"abcd"),
        (list[bytes], [b"abcd"]),
        (dict[str, bytes], {"a": b"abcd"}),
        (Blob, Blob(data=b"abcd")),
        (Encoded, Encoded(data=b"\xff")),
        (Sealed, Sealed(data=b"abcd", key=SecretStr("x"))),
        (list[Square], [Square(side=2)]),
        (dict[str, Square], {"a": Square(side=2)}),
    ],
)
def test_a_payload_comes_back_equal(schema: Any, payload: object) -> None:
    assert through(schema, payload) == payload


@pytest.mark.parametrize(
    ("model", "data"), [(Blob, b"abcd"), (Encoded, b"abcd"), (Encoded, b"\xff")]
)
def test_raw_bytes_are_written_as_the_model_reads_them(model: Any, data: bytes) -> None:
    assert through(model, {"data": data}) == model(data=data)


@pytest.mark.parametrize("payload", [{"data": b"\xff"}, Blob(data=b"\xff")])
def test_bytes_that_the_schema_could_not_read_again_are_refused(payload: object) -> None:
    with pytest.raises(NotSerializableError, match=r"The payload for task 'a' .* invalid utf-8"):
        PayloadCodec(Blob, "task 'a'").encode(payload)


# --- outputs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("annotation", "make"),
    [
        (float, float),
        (dict[str, float], lambda number: {"a": number}),
        (dict[str, Any], lambda number: {"a": [number]}),
        (Reading, lambda number: Reading(value=number)),
        (list[Reading | None], lambda number: [None, Reading(value=number)]),
        (Any, lambda number: {"a": number}),
    ],
)
def test_a_number_that_json_does_not_have_is_no_null(
    annotation: Any, make: Any, number: float
) -> None:
    with pytest.raises(NotSerializableError, match=r"The output of task 'a' contains (NaN|-?Inf)"):
        OutputCodec(annotation, "task 'a'").encode(make(number))


@pytest.mark.parametrize(
    ("annotation", "output"),
    [
        (Reading, Reading()),
        (list[Reading], [Reading(value=1), Reading()]),
        (dict[str, Any], {"a": None, "b": "NaN"}),
        (dict[str, bytes], {"a": b"abcd"}),
    ],
)
def test_an_output_comes_back_equal(annotation: Any, output: object) -> None:
    assert back(annotation, output) == output


def test_a_model_may_spell_such_numbers() -> None:
    assert back(Spelt, Spelt(value=math.inf)) == Spelt(value=math.inf)


def test_bytes_that_the_annotation_could_not_read_again_are_refused() -> None:
    with pytest.raises(NotSerializableError, match=r"The output of task 'a' .* invalid utf-8"):
        OutputCodec(bytes, "task 'a'").encode(b"\xff")


@pytest.mark.parametrize("annotation", [Any, list[Any]])
def test_an_output_is_never_deeper_than_can_be_read(annotation: Any) -> None:
    assert back(annotation, nested(READABLE_DEPTH)) == nested(READABLE_DEPTH)
    with pytest.raises(PayloadTooLargeError, match=f"deeper than {READABLE_DEPTH} levels"):
        OutputCodec(annotation, "task 'a'").encode(nested(READABLE_DEPTH + 1))


@pytest.mark.parametrize("annotation", [NoReturn, Never])
def test_a_task_that_always_raises_may_say_so(annotation: Any) -> None:
    assert back(annotation, None) is None
