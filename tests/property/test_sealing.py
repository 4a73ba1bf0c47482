"""Secrets open under any of the keys that sealed them, in their own place, and as they were; otherwise not at all."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from taskkit.errors import BackendError, ConfigError, InvalidConfigError
from taskkit.model import sealing
from taskkit.model.codec import PayloadCodec
from taskkit.model.request import SEALED, TriggerRequest

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ["/", "~", "~1", '"', "$sealed", "payload", '","payload":']
)
keys = st.binary(min_size=32, max_size=32)


class Login(BaseModel):
    user: str
    password: SecretStr
    token: SecretBytes | None = None


class Everything(BaseModel):
    notes: str
    logins: list[Login]
    by_name: dict[str, Login]
    plain: dict[str, str]


logins = st.builds(
    Login,
    user=text,
    password=text.map(lambda value: SecretStr("canary " + value)),
    token=st.none() | text.map(lambda value: SecretBytes(value.encode())),
)
payloads = st.builds(
    Everything,
    notes=text,
    logins=st.lists(logins, min_size=1, max_size=3),
    by_name=st.dictionaries(names, logins, max_size=3),
    plain=st.dictionaries(names, text, max_size=3),
)
CODEC = PayloadCodec(Everything, "task 'connect'")


@pytest.fixture(autouse=True, scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def use(patch: pytest.MonkeyPatch, *materials: bytes) -> None:
    texts = [urlsafe_b64encode(material).decode() for material in materials]
    patch.setenv("TASKKIT_SECRET_KEY", ",".join(texts))


def request(payload: bytes | None, secrets: Any = None, task: str = "connect") -> TriggerRequest:
    return TriggerRequest("run_1", task, payload, "queue", secrets)


def sealed(payload: Everything, task: str = "connect") -> bytes:
    data, secrets = CODEC.encode(payload)
    asked = request(data, secrets, task)
    sealing.seal(asked)
    assert asked.payload is not None
    return asked.payload


@given(
    payload=payloads, materials=st.lists(keys, min_size=1, max_size=4, unique=True), data=st.data()
)
def test_every_key_that_is_there_opens_and_the_payload_comes_back(
    environment: pytest.MonkeyPatch,
    payload: Everything,
    materials: list[bytes],
    data: st.DataObject,
) -> None:
    use(environment, data.draw(st.sampled_from(materials)))
    stored = sealed(payload)
    use(environment, *materials)
    assert CODEC.decode(*request(stored).opened()) == payload
    for login in (*payload.logins, *payload.by_name.values()):
        secret = login.password.get_secret_value()
        if secret not in payload.model_dump_json():
            assert secret.encode() not in stored


@given(payload=payloads, first=keys, others=st.lists(keys, max_size=3))
def test_without_its_key_nothing_opens(
    environment: pytest.MonkeyPatch, payload: Everything, first: bytes, others: list[bytes]
) -> None:
    assume(first not in others)
    use(environment, first)
    stored = sealed(payload)
    use(environment, *others)
    with pytest.raises((InvalidConfigError, BackendError)) as caught:  # the same id is one in 2**32
        request(stored).opened()
    assert "canary" not in str(caught.value)


@given(payload=payloads, key=keys, place=st.integers(min_value=0), change=st.integers(1, 255))
def test_one_changed_byte_and_nothing_opens(
    environment: pytest.MonkeyPatch, payload: Everything, key: bytes, place: int, change: int
) -> None:
    use(environment, key)
    stored = bytearray(sealed(payload))
    place = len(SEALED) + place % (len(stored) - len(SEALED))
    stored[place] ^= change
    with pytest.raises((ConfigError, BackendError)):
        request(bytes(stored)).opened()


@given(one=payloads, other=payloads, key=keys)
def test_secrets_do_not_open_beside_another_payload_or_in_another_task(
    environment: pytest.MonkeyPatch, one: Everything, other: Everything, key: bytes
) -> None:
    use(environment, key)
    stored, elsewhere = sealed(one), sealed(other)
    shown = request(elsewhere).visible_payload
    assert shown is not None
    assume(shown != request(stored).visible_payload)
    box = stored.partition(b'","payload":')[0]
    with pytest.raises(BackendError):
        request(box + b'","payload":' + shown + b"}").opened()
    with pytest.raises(BackendError):
        request(stored, task="other").opened()


@given(payload=st.dictionaries(names, text, max_size=3), key=keys)
def test_a_payload_sealed_whole_comes_back(
    environment: pytest.MonkeyPatch, payload: dict[str, str], key: bytes
) -> None:
    use(environment, key)
    codec: PayloadCodec = PayloadCodec(dict[str, str], "task 'connect'")
    data, _ = codec.encode(payload)
    asked = request(data)
    sealing.keep_whole(asked)
    sealing.seal(asked)
    assert asked.visible_payload == sealing.WHOLE
    assert codec.decode(*asked.opened()) == payload


@given(st.binary(max_size=30))
def test_what_begins_as_an_envelope_is_put_into_one(rest: bytes) -> None:
    payload = SEALED + rest
    asked = request(payload)
    sealing.escape(asked)
    assert asked.visible_payload == payload
    assert asked.opened() == (payload, None)


@given(st.binary(max_size=60))
def test_what_begins_as_an_envelope_and_is_none_is_refused_and_never_opens(
    environment: pytest.MonkeyPatch, rest: bytes
) -> None:
    use(environment, bytes(32))
    asked = request(SEALED + rest)
    assert asked.visible_payload is not None
    assume(not rest.startswith(b'","payload":'))
    with pytest.raises((BackendError, ConfigError)):
        asked.opened()
