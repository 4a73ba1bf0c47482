"""Turning a secret or its reference into the text that a driver needs."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from pydantic import SecretStr

from buster_tasks.errors import SecretNotFoundError
from taskkit import logger
from taskkit.model.redaction import Redaction

_resolved: ContextVar[Redaction | None] = ContextVar("resolved_secrets", default=None)


@contextmanager
def remembering_secrets() -> Generator[Redaction]:
    """What masks the secrets that are resolved in this block, for texts that a driver or server had a hand in."""
    known = Redaction()
    token = _resolved.set(known)
    try:
        yield known
    finally:
        _resolved.reset(token)


def resolve_secret(value: SecretStr | str) -> str:
    """The secret itself: as given, or what `env:NAME` or `file:path` holds now.

    From now on it is masked in all that the running run leaves behind. One line end at the end of a file is left out.
    Raises SecretNotFoundError with the reference, never with a value.
    """
    secret = _resolve(value)
    logger.mask(secret)
    known = _resolved.get()
    if known is not None:
        known.add(secret)
    return secret


def _resolve(value: SecretStr | str) -> str:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    scheme, separator, rest = text.partition(":")
    if separator and scheme == "env":
        return _from_environment(rest)
    if separator and scheme == "file":
        return _from_file(rest)
    return text


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise SecretNotFoundError(
            f"The environment variable {name!r} that holds the secret is not set.",
            fix="Set it where the worker runs, or correct the reference `env:NAME`.",
        )
    return os.environ[name]


def _from_file(path: str) -> str:
    try:
        content = Path(path).expanduser().read_bytes()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(path, reason) from None
    text = _decoded(content)
    if text is None:
        raise _unreadable(path, "it is no UTF-8 text")
    return text.removesuffix("\n").removesuffix("\r")


def _decoded(content: bytes) -> str | None:
    """The text; None rather than an error, which would hold the content."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _unreadable(path: str, reason: str | None) -> SecretNotFoundError:
    return SecretNotFoundError(
        f"The file {path!r} that holds the secret cannot be read: {reason}.",
        fix="Put it where the worker runs, or correct the reference `file:path`.",
    )
