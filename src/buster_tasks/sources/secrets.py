"""Turning a secret or its reference into the text that a driver needs."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from buster_tasks.errors import SecretNotFoundError


def resolve_secret(value: SecretStr | str) -> str:
    """The secret itself: as given, or what `env:NAME` or `file:path` holds now.

    One line end at the end of a file is left out. Raises SecretNotFoundError with the reference, never with a value.
    """
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
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SecretNotFoundError(
            f"The file {path!r} that holds the secret cannot be read: {reason}.",
            fix="Put it where the worker runs, or correct the reference `file:path`.",
        ) from None
    return text.removesuffix("\n").removesuffix("\r")
