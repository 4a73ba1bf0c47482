"""Secrets that are sealed inside a payload: what is seen of them, who opens them, and what is said where nobody can."""

import builtins
import json
from typing import Any

import pytest

from taskkit.errors import (
    BackendError,
    InvalidConfigError,
    MissingExtraError,
    SecretInPayloadError,
)
from taskkit.model import sealing
from taskkit.model.request import SEALED, TriggerRequest

SECRET = "hunter2-and-more"
OLD, NEW = "A" * 43, "_-" * 21 + "8"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("TASKKIT_SECRET_KEY", OLD)
    return monkeypatch


def asked(
    payload: bytes = b'{"user":"ada","password":"********"}', **fields: Any
) -> TriggerRequest:
    secrets = {"/password": json.dumps(SECRET)}
    return TriggerRequest(**{"run_id": "run_1", "task_id": "connect", "payload": payload, "queue": "q",
                             "secrets": secrets, **fields})  # fmt: skip


def sealed(**fields: Any) -> TriggerRequest:
    request = asked(**fields)
    sealing.seal(request)
    return request


def test_a_sealed_request_holds_no_clear_secret_and_shows_a_mask() -> None:
    request = sealed()
    assert request.secrets is None
    assert SECRET not in repr(request)
    assert request.visible_payload == b'{"user":"ada","password":"********"}'
    assert request.opened() == (request.visible_payload, {"/password": json.dumps(SECRET)})


def test_what_is_stored_is_json() -> None:
    stored = json.loads(sealed().payload or b"")
    assert stored["payload"] == {"user": "ada", "password": "********"}
    version, key_id, _ = stored["$sealed"].split(".")
    assert (version, key_id) == ("v1", sealing.secret_keys()[0].id)


def test_the_same_secret_is_never_sealed_the_same() -> None:
    assert sealed().payload != sealed().payload


def test_what_was_sealed_by_the_first_version_opens() -> None:
    stored = (
        b'{"$sealed":"v1.9a96c06a.AAAAAAAAAAAAAAAAtYVvTSwTGBloPKHxgNHBOhoVbb5S1BhZsMyRoxhpR-uBaJNVVAbN1RM_3c'
        b'HOKekxgdRspg","payload":{"password":"********"}}'
    )
    assert asked(stored, secrets=None).opened()[1] == {"/password": json.dumps(SECRET)}


@pytest.mark.parametrize("run_id", ["run_1", "run_2"])
def test_a_payload_may_move_to_another_run_of_its_task(run_id: str) -> None:
    assert asked(sealed().payload or b"", run_id=run_id, secrets=None).opened()[1]


def test_it_may_not_move_to_another_task() -> None:
    moved = asked(sealed().payload or b"", task_id="post", secrets=None)
    with pytest.raises(BackendError, match=r"of run run_1 \(task 'post'\) cannot be opened"):
        moved.opened()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ada", b"eve"),
        (b'"}}', b'" }}'),
        (b"v1.", b"v2."),
        (b'"v1', b'"v1.'),
        (b'"payload"', b'"payloads"'),
        (b'"}}', b'"}'),
        (b'","payload', b'!","payload'),
        (b'","payload', b'\xc3\xa9","payload'),
        (SEALED, SEALED + b"\xff"),
    ],
)
def test_what_was_changed_is_refused_without_a_word_of_it(old: bytes, new: bytes) -> None:
    payload = sealed().payload or b""
    assert payload.count(old) >= 1
    with pytest.raises(BackendError) as caught:
        asked(payload.replace(old, new), secrets=None).opened()
    assert "are not what was stored" in str(caught.value)
    assert "eve" not in str(caught.value)


@pytest.mark.parametrize("box", ["", "AAAA", "A" * 15, "A" * 16, "A" * 100])
def test_a_box_that_is_none_is_refused(box: str) -> None:
    payload = f'{{"$sealed":"v1.{sealing.secret_keys()[0].id}.{box}","payload":1}}'.encode()
    with pytest.raises(BackendError):
        asked(payload, secrets=None).opened()


def test_the_secrets_of_another_payload_are_refused() -> None:
    mine, other = sealed().payload or b"", sealed(payload=b'{"password":"********"}').payload or b""
    swapped = other.replace(other.split(b'"')[3], mine.split(b'"')[3])
    with pytest.raises(BackendError):
        asked(swapped, secrets=None).opened()


# --- payloads that look like it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload", [b'{"$sealed":"x"}', b'{"$sealed":"","payload":1}', b'{"$sealed":"v1.a.b"}']
)
def test_a_payload_that_looks_sealed_comes_back_as_it_was(payload: bytes) -> None:
    request = asked(payload, secrets=None)
    sealing.escape(request)
    assert request.payload != payload
    assert request.visible_payload == payload
    assert request.opened() == (payload, None)


def test_one_that_looks_sealed_keeps_its_secrets_beside_it() -> None:
    payload = b'{"$sealed":"********"}'
    request = asked(payload, secrets={"/$sealed": "1"})
    sealing.escape(request)
    assert request.opened() == (payload, {"/$sealed": "1"})
    request = sealed(payload=payload)
    assert request.opened() == (payload, {"/password": json.dumps(SECRET)})


def test_one_that_only_begins_so_is_shown_as_it_is() -> None:
    assert asked(b'{"$sealed":"x"}', secrets=None).visible_payload == b'{"$sealed":"x"}'


# --- keys -------------------------------------------------------------------------------------------


def test_the_first_key_seals_and_all_open(key: pytest.MonkeyPatch) -> None:
    before = sealed()
    key.setenv("TASKKIT_SECRET_KEY", f" {NEW} , {OLD} ")
    new, old = sealing.secret_keys()
    assert new.id != old.id
    assert before.opened()[1]
    after = sealed()
    assert f"v1.{new.id}.".encode() in (after.payload or b"")
    key.setenv("TASKKIT_SECRET_KEY", NEW)
    assert after.opened()[1]
    with pytest.raises(InvalidConfigError) as caught:
        before.opened()
    said = str(caught.value)
    assert f"run run_1 (task 'connect') is sealed with the key {old.id}" in said
    assert f"TASKKIT_SECRET_KEY holds {new.id} in this process" in said
    assert OLD not in said
    assert NEW not in said
    assert caught.value.key == "TASKKIT_SECRET_KEY"


def test_without_a_key_nothing_is_sealed_and_nothing_opens(key: pytest.MonkeyPatch) -> None:
    before = sealed()
    for text in (None, "", "  "):
        key.delenv("TASKKIT_SECRET_KEY") if text is None else key.setenv("TASKKIT_SECRET_KEY", text)
        assert sealing.secret_keys() == ()
        with pytest.raises(
            InvalidConfigError, match="TASKKIT_SECRET_KEY is not set in this process"
        ):
            before.opened()
        with pytest.raises(SecretInPayloadError) as caught:
            sealed(secrets={"/logins/0/password": "1", "": "2"})
        assert caught.value.fields == ("logins.0.password", "payload")
        assert '"env:NAME" or "file:path"' in str(caught.value)


@pytest.mark.parametrize(
    "text", ["hunter2", "A" * 42, "A" * 45, "A" * 43 + "==", "a" * 64, "A" * 42 + "!", "é" * 43]
)
def test_a_malformed_key_is_told_without_the_key(text: str, key: pytest.MonkeyPatch) -> None:
    for given, where in (
        (text, "TASKKIT_SECRET_KEY is no key"),
        (f"{OLD},{text}", "The key 2 of 2 in TASKKIT"),
    ):
        key.setenv("TASKKIT_SECRET_KEY", given)
        with pytest.raises(InvalidConfigError) as caught:
            sealing.secret_keys()
        assert where in str(caught.value)
        assert f"this has {len(text)}" in str(caught.value)
        assert "taskkit secrets new-key" in str(caught.value)
        assert text not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_empty_place_among_the_keys_is_an_error(key: pytest.MonkeyPatch) -> None:
    key.setenv("TASKKIT_SECRET_KEY", f"{OLD},")
    with pytest.raises(InvalidConfigError, match="The key 2 of 2"):
        sealing.secret_keys()


def test_both_alphabets_of_base64_and_its_padding_are_one_key(key: pytest.MonkeyPatch) -> None:
    ids = set()
    for text in (NEW, NEW + "=", NEW.replace("_", "/").replace("-", "+") + "="):
        key.setenv("TASKKIT_SECRET_KEY", text)
        ids.add(sealing.secret_keys()[0].id)
    assert len(ids) == 1


def test_a_key_shows_its_fingerprint_only() -> None:
    (one,) = sealing.secret_keys()
    assert repr(one) == f"SecretKey(id='{one.id}')"
    assert len(one.id) == 8


def test_a_new_key_is_one_and_another_each_time(key: pytest.MonkeyPatch) -> None:
    first, second = sealing.new_key(), sealing.new_key()
    key.setenv("TASKKIT_SECRET_KEY", f"{first},{second}")
    assert len({one.material for one in sealing.secret_keys()}) == 2
    assert [len(one.material) for one in sealing.secret_keys()] == [32, 32]


def test_where_cryptography_is_missing_it_says_what_to_install(key: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("cryptography"):
            raise ModuleNotFoundError("No module named 'cryptography'", name="cryptography")
        return real(name, *rest)

    before = sealed()
    key.setattr(builtins, "__import__", missing)
    for call in (sealed, before.opened):
        with pytest.raises(MissingExtraError, match=r'pip install "buster-tasks\[secrets\]"'):
            call()


# --- payloads sealed whole --------------------------------------------------------------------------


def whole(payload: bytes = b'{"a":"b"}') -> TriggerRequest:
    request = asked(payload, secrets=None)
    sealing.keep_whole(request)
    return request


def test_sealed_whole_nothing_of_it_is_seen() -> None:
    request = whole()
    sealing.seal(request)
    assert json.loads(request.visible_payload or b"") == "******** (the whole payload is sealed)"
    assert request.opened() == (sealing.WHOLE, {"": '{"a":"b"}'})


def test_without_a_key_it_is_let_be(key: pytest.MonkeyPatch) -> None:
    key.delenv("TASKKIT_SECRET_KEY")
    assert (whole().payload, whole().secrets) == (b'{"a":"b"}', None)
    assert asked(None, secrets=None).payload is None  # type: ignore[arg-type]  # none was given


def test_an_id_tells_nothing_of_secrets_and_something_of_what_is_sealed_whole(
    key: pytest.MonkeyPatch,
) -> None:
    assert sealing.digest(asked()) == sealing.digest(asked(secrets={"/password": '"other"'}))
    assert sealing.digest(whole()) == sealing.digest(whole())
    assert sealing.digest(whole()) != sealing.digest(whole(b'{"a":"c"}'))
    assert sealing.digest(whole(sealing.WHOLE)) != sealing.WHOLE
    before = sealing.digest(whole())
    key.setenv("TASKKIT_SECRET_KEY", NEW)
    assert sealing.digest(whole()) != before  # nobody can try values without the key
