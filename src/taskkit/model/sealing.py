"""Secrets for a backend that writes payloads down: sealed where a run is asked for, opened where it is carried out.

The stored payload is then an envelope, `{"$sealed":"v1.KEY.BOX","payload":...}`: the payload with a mask for
each secret, and a box that holds the secrets, sealed with AES-256-GCM. The box is bound to the task and to
every byte of the payload beside it, so it opens in no other place, and not beside a host that somebody has
changed; it is not bound to the run, because a replay and a debounced trigger carry a payload from one run to
another. A payload of the user's own that begins as an envelope does is put into one without a box.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic_core import from_json, to_json

from taskkit.errors import BackendError, InvalidConfigError, MissingExtraError, SecretInPayloadError
from taskkit.model.request import SEALED, TriggerRequest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE: Final = "TASKKIT_SECRET_KEY"
WHOLE: Final = b'"******** (the whole payload is sealed)"'
"""What is seen of the payload of a task whose schema nobody knew where it was triggered."""

_VERSION: Final = "v1"
_NONCE: Final = 12
_BETWEEN: Final = b'","payload":'
_KEY: Final = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}")
_MAKE: Final = "Make one with: taskkit secrets new-key"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key, and the fingerprint by which sealed values and messages name it."""

    id: str
    material: bytes = field(repr=False)


def secret_keys() -> tuple[SecretKey, ...]:
    """The keys of this process just now, the one that seals first; none without TASKKIT_SECRET_KEY.

    InvalidConfigError says which of them is malformed, never how.
    """
    return _parsed(os.environ.get(VARIABLE, ""))


def new_key() -> str:
    """A fresh key: 32 random bytes in base64url."""
    return _text_of(os.urandom(32))


@lru_cache(maxsize=4)
def _parsed(text: str) -> tuple[SecretKey, ...]:
    if not text.strip():
        return ()
    parts = text.split(",")
    return tuple(key_of(part.strip(), number, len(parts)) for number, part in enumerate(parts, 1))


def key_of(text: str, number: int = 1, count: int = 1) -> SecretKey:
    """A key as it was written; InvalidConfigError says that the key `number` of `count` is none."""
    if not _KEY.fullmatch(text):
        which = f"The key {number} of {count} in {VARIABLE}" if count > 1 else VARIABLE
        raise InvalidConfigError(
            f"{which} is no key: a key is 32 random bytes in base64, 43 or 44 characters, and this has {len(text)}. "
            f"Several are separated by commas. {_MAKE}",
            key=VARIABLE,
        )
    canonical = text.rstrip("=").replace("+", "-").replace("/", "_") + "="
    material = urlsafe_b64decode(canonical)
    return SecretKey(blake2b(b"key id", key=material, digest_size=4).hexdigest(), material)


# --- sealing ----------------------------------------------------------------------------------------


def seal(request: TriggerRequest) -> None:
    """Put a request's secrets into its payload, sealed; SecretInPayloadError where there is no key."""
    assert request.secrets is not None  # the caller has looked
    known = secret_keys()
    if not known:
        fields = [pointer.strip("/").replace("/", ".") for pointer in request.secrets]
        raise SecretInPayloadError([name or "payload" for name in fields])
    key, visible = known[0], request.payload or b"null"
    nonce = os.urandom(_NONCE)
    text = to_json(dict(request.secrets))
    box = nonce + _cipher(key).encrypt(nonce, text, _bound_to(request.task_id, visible))
    token = f"{_VERSION}.{key.id}.{_text_of(box)}"
    request.payload, request.secrets = _envelope(token, visible), None


def keep_whole(request: TriggerRequest) -> None:
    """Make all of a payload one secret, where there is a key: without the task's schema any part may be one."""
    if request.payload is not None and secret_keys():
        request.payload, request.secrets = WHOLE, {"": request.payload.decode()}


def escape(request: TriggerRequest) -> None:
    """Keep a payload of the user's own that looks like an envelope from being taken for one."""
    request.payload = _envelope("", request.payload or b"null")


def digest(request: TriggerRequest) -> bytes:
    """What a request's id may be derived from: the payload with masks, or, sealed whole, its keyed hash.

    An id is written down, and a plain hash of a secret could be guessed at.
    """
    whole = (request.secrets or {}).get("") if request.payload == WHOLE else None
    if whole is None:
        return request.payload or b""
    derived = blake2b(b"digest", key=secret_keys()[0].material).digest()
    return blake2b(whole.encode(), key=derived).digest()


def _text_of(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _envelope(token: str, visible: bytes) -> bytes:
    return SEALED + token.encode() + _BETWEEN + visible + b"}"


def _bound_to(task_id: str, visible: bytes) -> bytes:
    return ascii((_VERSION, task_id)).encode() + b"\0" + visible


def _cipher(key: SecretKey) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ModuleNotFoundError as error:
        raise MissingExtraError("secrets", "Sealed secrets need cryptography") from error
    return AESGCM(key.material)


# --- opening ----------------------------------------------------------------------------------------


def visible(payload: bytes) -> bytes:
    """The part of an envelope that anybody may see."""
    _, between, rest = payload.partition(_BETWEEN)
    return rest[:-1] if between else payload


def opened(request: TriggerRequest) -> tuple[bytes, Mapping[str, str] | None]:
    """The payload of an envelope and its secrets; InvalidConfigError, MissingExtraError or BackendError."""
    payload = request.payload or b""
    shown = visible(payload)
    token = payload[len(SEALED) :].partition(b'"')[0].decode("ascii", "replace")
    if not token and payload == _envelope("", shown):
        return shown, request.secrets
    version, _, rest = token.partition(".")
    key_id, _, box = rest.partition(".")
    if version != _VERSION or payload != _envelope(token, shown) or not _KEY_ID.fullmatch(key_id):
        raise _changed(request)
    text = _open(request, key_id, box, shown)
    return shown, cast("dict[str, Any]", from_json(text))


def _open(request: TriggerRequest, key_id: str, box: str, shown: bytes) -> bytes:
    known = secret_keys()
    fitting = [key for key in known if key.id == key_id]
    if not fitting:
        raise _missing(request, key_id, known)
    try:
        sealed = urlsafe_b64decode(box + "=" * (-len(box) % 4))
    except ValueError:
        raise _changed(request) from None
    if _text_of(sealed) != box:  # base64 is read more freely than it is written
        raise _changed(request)
    for key in fitting:
        text = _tried(key, sealed, _bound_to(request.task_id, shown))
        if text is not None:
            return text
    raise _changed(request)


def _tried(key: SecretKey, sealed: bytes, bound_to: bytes) -> bytes | None:
    cipher = _cipher(key)
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    except (InvalidTag, ValueError):  # too short for a nonce
        return None


def _missing(
    request: TriggerRequest, key_id: str, known: tuple[SecretKey, ...]
) -> InvalidConfigError:
    here = f"holds {', '.join(key.id for key in known)}" if known else "is not set"
    return InvalidConfigError(
        f"The payload of run {request.run_id} (task {request.task_id!r}) is sealed with the key {key_id}, and "
        f"{VARIABLE} {here} in this process. Put that key behind the others there, separated by a comma, and "
        f"replay the run. taskkit doctor shows which keys a process has.",
        key=VARIABLE,
    )


def _changed(request: TriggerRequest) -> BackendError:
    return BackendError(
        f"The sealed secrets of run {request.run_id} (task {request.task_id!r}) cannot be opened: they, or the "
        f"payload beside them, are not what was stored. Look who writes to the store; then trigger the task again."
    )
