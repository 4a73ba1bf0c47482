"""Payloads and outputs as JSON, the same on every backend.

A payload is stored as the JSON that it was given as, or, for an instance of the schema, as the JSON that
rebuilds an equal instance. Secrets are set aside by path; in their place stands a mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, Never, NoReturn, TypeAlias, cast

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from taskkit.errors import (
    NotSerializableError,
    PayloadNotStableError,
    PayloadTooLargeError,
    PayloadValidationError,
)
from taskkit.model import secret_paths

PAYLOAD_LIMIT = 3 * 1024 * 1024
OUTPUT_LIMIT = 10 * 1024 * 1024
METADATA_LIMIT = 256 * 1024
DEPTH_LIMIT = 64
READABLE_DEPTH = 200
"""As deep as JSON is read again; it can be written deeper."""

BytesMode: TypeAlias = Literal["utf8", "base64", "hex"]

_PLAIN = frozenset({dict, list, str, int, float, bool, type(None)})


class PayloadCodec:
    """A task's payload, to JSON and back."""

    __slots__ = (
        "_adapter",
        "_any",
        "_bytes_mode",
        "_guarded",
        "_owner",
        "_plain_model",
        "_to_json",
        "_type",
        "_validate_json",
    )

    def __init__(self, payload_type: Any, owner: str) -> None:
        self._type = payload_type
        self._owner = owner
        self._any = payload_type is Any
        self._bytes_mode: BytesMode = _bytes_mode(payload_type)
        self._adapter: TypeAdapter[Any] = adapter_of(payload_type, f"the payload of {owner}")
        self._validate_json = self._adapter.validator.validate_json
        self._to_json = self._adapter.serializer.to_json
        self._plain_model = _is_plain_model(payload_type)
        self._guarded: bool | None = None

    def encode(self, payload: object) -> tuple[bytes, Mapping[str, str] | None]:
        """The JSON to store, and the secrets that were set aside, by path.

        Raises PayloadValidationError, PayloadNotStableError, PayloadTooLargeError or NotSerializableError.
        """
        if self._any:
            return self._encode_raw(payload), None
        if self._guarded is None:
            self._guarded = secret_paths.may_hold_secrets(self._adapter)
        if self._guarded:
            return self._encode_guarded(payload)
        if type(payload) in _PLAIN and not _holds_models(payload):
            data = self._encode_raw(payload)
            self._validate(data)
            return data, None
        return self._encode_instance(payload), None

    def decode(self, data: bytes, secrets: Mapping[str, str] | None) -> Any:
        """The payload that a task is called with; PayloadValidationError when the schema refuses it."""
        if secrets:
            data = to_json(secret_paths.put_back(from_json(data), secrets))
        elif self._any:
            return from_json(data)
        try:
            return self._validate_json(data)
        except ValidationError as error:
            raise invalid_payload(error, self._owner, show_input=not secrets) from None

    def secrets_in(self, payload: object) -> Mapping[str, str] | None:
        """The secrets of a decoded payload as JSON texts by JSON pointer, as `encode` sets them aside."""
        if self._any or not secret_paths.may_hold_secrets(self._adapter):
            return None
        dumped = self._adapter.dump_python(payload, by_alias=True, round_trip=True, warnings=False)
        return secret_paths.set_aside(dumped)[1] or None

    def _encode_raw(self, payload: object) -> bytes:
        # Written as the schema reads them, bytes come back as they were, and no computed field comes with a model.
        data = json_of(
            payload,
            f"The payload for {self._owner}",
            bytes_mode=self._bytes_mode,
            round_trip=not self._any,
        )
        check_size(data, PAYLOAD_LIMIT, f"The payload for {self._owner}")
        return data

    def _encode_instance(self, payload: object) -> bytes:
        try:
            # A value of another type than the schema's is written as what it is; the way back tells.
            data = self._to_json(payload, by_alias=True, round_trip=True, warnings=False)
        except (PydanticSerializationError, UnicodeEncodeError):
            data = self._encode_raw(payload)
        if len(data) > DEPTH_LIMIT:
            check_size(data, PAYLOAD_LIMIT, f"The payload for {self._owner}")
        try:
            again = self._validate_json(data)
        except ValidationError as error:
            if not self._is_instance(payload):
                raise invalid_payload(error, self._owner) from None
            self._not_stable(
                _place(error.errors(include_url=False)[0]["loc"]), "the schema refuses it"
            )
        if self._plain_model and type(payload) is self._type and again.__dict__ == payload.__dict__:
            return data  # equal, without the cost of asking the model
        if type(payload) in _PLAIN:  # raw data may stand beside instances
            try:
                payload = self._adapter.validate_python(payload)
            except ValidationError:
                return data  # JSON is read more freely than objects are
        if again != payload and self._is_instance(payload):
            self._not_stable(secret_paths.first_difference(payload, again), "it comes back changed")
        return data

    def _is_instance(self, payload: object) -> bool:
        """Whether the payload is what the schema makes, and not something that it can be made from."""
        try:
            return self._adapter.validator.isinstance_python(payload, strict=True)
        except Exception:  # a validator of the user's that raises something of its own
            return False

    def _encode_guarded(self, payload: object) -> tuple[bytes, Mapping[str, str] | None]:
        """The slow way, for schemas that may hold secrets: dumped as objects, so that secrets can be seen."""
        instance = payload
        if type(payload) in _PLAIN:
            instance = self._validate(self._encode_raw(payload))
        try:
            dumped = self._adapter.dump_python(
                instance, by_alias=True, round_trip=True, warnings="error"
            )
        except PydanticSerializationError:
            instance = self._validate(self._encode_raw(payload))
            dumped = self._adapter.dump_python(instance, by_alias=True, round_trip=True)
        plain, secrets = secret_paths.set_aside(dumped)
        data = self._encode_raw(plain)
        again = self.decode(data, secrets)
        if again != instance:
            self._not_stable(
                secret_paths.first_difference(instance, again), "it comes back changed"
            )
        return data, secrets or None

    def _validate(self, data: bytes) -> Any:
        try:
            return self._validate_json(data)
        except ValidationError as error:
            raise invalid_payload(error, self._owner, show_input=not self._guarded) from None

    def _not_stable(self, field: str, how: str) -> NoReturn:
        raise PayloadNotStableError(
            field,
            f"The payload for {self._owner} does not survive the way through JSON: field {field!r}, {how}. A run "
            f"is given its payload as JSON, so each field must be rebuilt from what it is written as. Change the "
            f"field's type, serializer or validator, or pass plain JSON data.",
        )


class OutputCodec:
    """A task's output, to JSON and back."""

    __slots__ = ("_any", "_bytes_mode", "_to_json", "_to_python", "_validate_json", "_what")

    def __init__(self, output_type: Any, owner: str) -> None:
        if output_type is NoReturn or output_type is Never:
            output_type = Any
        self._what = f"The output of {owner}"
        self._any = output_type is Any
        self._bytes_mode: BytesMode = _bytes_mode(output_type)
        adapter = adapter_of(output_type, f"the return value of {owner}")
        self._to_json = adapter.serializer.to_json
        self._to_python = adapter.serializer.to_python
        self._validate_json = adapter.validator.validate_json

    def encode(self, output: object, limit: int = OUTPUT_LIMIT) -> bytes | None:
        """The JSON to store; None for None. NotSerializableError when there is none, `limit` in bytes."""
        if output is None:
            return None
        what = self._what
        data = json_of(output, what) if self._any else self._typed(output, what)
        if len(data) > READABLE_DEPTH:  # a shorter one is neither too long nor too deep
            if len(data) > limit:
                check_size(data, limit, what)
            if data.count(b"[") + data.count(b"{") > READABLE_DEPTH:
                _check_readable(data, what)
        return data

    def _typed(self, output: object, what: str) -> bytes:
        try:
            # Another type than was promised is written as what it is.
            data = self._to_json(output, by_alias=True, round_trip=True, warnings=False)
        except (PydanticSerializationError, UnicodeEncodeError):
            return json_of(output, what, bytes_mode=self._bytes_mode)
        if b"NaN" in data or b"Infinity" in data:
            check_numbers(data, what)
        if b"null" in data:  # pydantic writes NaN and the infinities so
            self._check_nulls(output, what)
        return data

    def _check_nulls(self, output: object, what: str) -> None:
        try:
            plain = self._to_python(output, by_alias=True, round_trip=True, warnings=False)
            data = to_json(plain, bytes_mode="base64", fallback=lambda _: 0)
        except Exception:  # a serializer of the user's that is made for JSON alone
            return
        if b"NaN" in data or b"Infinity" in data:
            check_numbers(data, what)

    def decode(self, data: bytes | None) -> Any:
        """The output by the return annotation; as plain JSON data where it does not fit that."""
        if data is None:
            return None
        if self._any:
            return from_json(data)
        try:
            return self._validate_json(data)
        except Exception:  # pydantic's verdict, or what a validator of the user's raises
            return from_json(data)  # that it promised something else is not the reader's fault


def _bytes_mode(annotation: Any) -> BytesMode:
    """How pydantic reads bytes out of JSON; where it reads none, as a text that holds any."""
    if annotation is Any:
        return "base64"
    mode: BytesMode = getattr(annotation, "model_config", {}).get("val_json_bytes", "utf8")
    return mode


def _holds_models(payload: object) -> bool:
    """Whether a list or dict has instances in it, which must come back equal as one by itself must."""
    if isinstance(payload, list):
        items: Iterable[object] = cast("list[object]", payload)
    elif isinstance(payload, dict):
        items = cast("dict[object, object]", payload).values()
    else:
        return False
    return any(isinstance(item, BaseModel) or is_dataclass(item) for item in items)


def _is_plain_model(annotation: Any) -> bool:
    """Whether two instances are equal just when their fields are."""
    return (
        isinstance(annotation, type)
        and issubclass(annotation, BaseModel)
        and annotation.__eq__ is BaseModel.__eq__
        and annotation.model_config.get("extra") != "allow"
        and not annotation.__private_attributes__
    )


def adapter_of(annotation: Any, what: str) -> TypeAdapter[Any]:
    """pydantic's adapter for an annotation; NotSerializableError when pydantic cannot have one."""
    try:
        return TypeAdapter(annotation)
    except PydanticUserError as error:
        raise NotSerializableError(
            f"{what[0].upper()}{what[1:]} is annotated {annotation!r}, which cannot go through JSON: "
            f"{str(error).splitlines()[0]} Use a type that pydantic can validate, such as a BaseModel."
        ) from None


def json_of(
    value: object, what: str, *, bytes_mode: BytesMode = "base64", round_trip: bool = False
) -> bytes:
    """Any value as JSON; NotSerializableError names what is not."""
    try:
        data = to_json(value, by_alias=True, bytes_mode=bytes_mode, round_trip=round_trip)
    except (PydanticSerializationError, UnicodeEncodeError, ValueError, RecursionError) as error:
        raise NotSerializableError(
            f"{what} cannot be written as JSON: {error}. Pass JSON data, a pydantic model, a dataclass, or types "
            f"such as datetime, Decimal and UUID."
        ) from None
    if b"NaN" in data or b"Infinity" in data:
        check_numbers(data, what)
    return data


def json_data(value: object, what: str) -> Any:
    """A copy of a value as JSON data."""
    return from_json(json_of(value, what))


def check_numbers(data: bytes, what: str) -> None:
    """JSON has no NaN and no infinity; whether one of them stands outside a text."""
    import json  # five modules that hardly any payload needs

    def refuse(constant: str) -> NoReturn:
        raise NotSerializableError(
            f"{what} contains {constant}, which JSON does not have. Use None, or a text such as {constant!r}."
        )

    json.loads(data, parse_constant=refuse)


def check_size(data: bytes, limit: int, what: str) -> None:
    """Raise PayloadTooLargeError beyond the size or the depth that a run may carry."""
    if len(data) > limit:
        raise PayloadTooLargeError(what, len(data), limit)
    check_depth(data, limit, what)


def check_depth(data: bytes, limit: int, what: str) -> None:
    """Raise PayloadTooLargeError beyond the depth that a payload may have."""
    if data.count(b"[") + data.count(b"{") > DEPTH_LIMIT and _depth(data) > DEPTH_LIMIT:
        raise _too_deep(data, limit, what, DEPTH_LIMIT)


def _check_readable(data: bytes, what: str) -> None:
    try:
        from_json(data)
    except ValueError:
        raise _too_deep(data, OUTPUT_LIMIT, what, READABLE_DEPTH) from None


def _too_deep(data: bytes, limit: int, what: str, levels: int) -> PayloadTooLargeError:
    words = f"{what} is nested deeper than {levels} levels, which is the limit. Flatten it."
    return PayloadTooLargeError(what, len(data), limit, words)


def _depth(data: bytes) -> int:
    deepest = depth = 0
    in_text = escaped = False
    for byte in data:
        if in_text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (0x5D, 0x7D):
            depth -= 1
    return deepest


def invalid_payload(
    error: ValidationError, owner: str, *, show_input: bool = True
) -> PayloadValidationError:
    """pydantic's verdict in our words, with the places and without any secret."""
    errors = error.errors(include_url=False, include_input=show_input, include_context=False)
    shown = "; ".join(f"{_place(e['loc'])}: {e['msg']}{_given(e)}" for e in errors[:3])
    more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
    return PayloadValidationError(
        f"The payload for {owner} does not fit its schema {error.title}: {shown}{more}. Nothing was triggered by "
        f"this payload; correct it, or the schema.",
        cast("list[Any]", errors),
    )


def _given(error: Mapping[str, Any]) -> str:
    if "input" not in error or error["type"] == "missing":
        return ""
    text = repr(error["input"])
    return f" (given {text if len(text) <= 60 else text[:57] + '...'})"


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "payload"
