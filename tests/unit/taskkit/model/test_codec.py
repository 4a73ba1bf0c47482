"""What of a payload must survive the way through JSON."""

from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from taskkit.errors import PayloadNotStableError
from taskkit.model.codec import PayloadCodec


class Louder(BaseModel):
    """Not idempotent: what it makes is changed again by the way through JSON."""

    text: str

    @field_validator("text")
    @classmethod
    def louder(cls, text: str) -> str:
        return text + "!"


class Plain(BaseModel):
    text: str


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (list[Louder], [Louder(text="a"), Louder(text="b")]),
        (dict[str, Louder], {"one": Louder(text="a")}),
    ],
)
def test_an_unstable_instance_is_found_in_a_list_or_dict_too(schema: Any, payload: Any) -> None:
    with pytest.raises(PayloadNotStableError, match="text"):
        PayloadCodec(schema, "task 'shout'").encode(payload)


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (list[Plain], [Plain(text="a")]),
        (list[Plain], [Plain(text="a"), {"text": "b"}]),
        (dict[str, Plain], {"one": Plain(text="a")}),
        (list[Louder], [{"text": "raw data is taken as it is"}]),
        (list[Louder], []),
    ],
)
def test_what_is_stable_or_raw_passes(schema: Any, payload: Any) -> None:
    codec = PayloadCodec(schema, "task 'shout'")
    data, _ = codec.encode(payload)
    assert len(codec.decode(data, None)) == len(payload)
