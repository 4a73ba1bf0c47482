"""From credentials to those of Google's library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import google.auth
from google.auth import exceptions
from google.auth.credentials import AnonymousCredentials
from google.oauth2 import credentials as user_account, service_account

from buster_tasks.errors import (
    AuthenticationError,
    SecretNotFoundError,
    SourceError,
)
from buster_tasks.sources.bigquery.endpoint import endpoint_of
from buster_tasks.sources.credentials import BigqueryCredentials
from buster_tasks.sources.network import check_url
from buster_tasks.sources.secrets import resolve_secret

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_SECRET_FIELDS = ("private_key", "refresh_token", "client_secret")
_FIX = "Give the JSON of a service account's key, as the console made it, or make a new key."


def login(credentials: BigqueryCredentials, request: Any) -> Any:
    """Credentials of Google's library, not used yet; `request` is what it may ask the network with.

    An emulator takes everybody and has no Google behind it: there, and only there, nobody logs in where no key is
    given. That is told by plain HTTP to this very machine, which the real service never is. Raises SourceError.
    """
    if credentials.service_account_key is not None:
        return _of_key(_key(resolve_secret(credentials.service_account_key)))
    if credentials.key_file_path is not None:
        return _of_key(_from_file(credentials.key_file_path, shown=credentials.key_file_path))
    if urlsplit(endpoint_of(credentials)).scheme == "http":
        return AnonymousCredentials()  # type: ignore[no-untyped-call]  # the library has no types
    try:
        ambient: Any = google.auth  # it has no types
        found, _project = ambient.default(scopes=_SCOPES, request=request)
    except exceptions.DefaultCredentialsError as error:
        raise AuthenticationError(
            "No key is given, and the machine that runs the task is not logged in to Google Cloud.",
            fix="Give `service_account_key` or `key_file_path`, set GOOGLE_APPLICATION_CREDENTIALS where the worker "
            "runs, run it under a service account, or run: gcloud auth application-default login",
        ) from error
    return found


def _key(text: str) -> dict[str, Any]:
    """The key: its JSON, or what the file of this path holds."""
    if text.lstrip().startswith("{"):
        return _parsed(text, "The service_account_key")
    return _from_file(text, shown=None)


def _from_file(path: str, shown: str | None) -> dict[str, Any]:
    """What the file holds; a path that may be a secret pasted into the wrong place is not shown."""
    name = "that service_account_key leads to" if shown is None else repr(shown)
    try:
        content = Path(path).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        content, reason = b"", getattr(error, "strerror", None) or "it is no path"
    else:
        return _parsed(content.decode("utf-8", "replace"), f"The key file {name}")
    raise SecretNotFoundError(  # outside of the handler: the system's error has the path
        f"The key file {name} cannot be read: {reason}.",
        fix="Put it where the worker runs, or give the key's JSON itself.",
    )


def _parsed(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None  # the error holds the text, so ours is raised outside
    if not isinstance(found, dict):
        raise AuthenticationError(f"{what} is no JSON object.", fix=_FIX)
    key = cast("dict[str, Any]", found)
    for field in _SECRET_FIELDS:
        if isinstance(key.get(field), str):
            resolve_secret(key[field])
    return key


def _of_key(key: dict[str, Any]) -> Any:
    kind = key.get("type")
    service: Any = service_account.Credentials
    user: Any = user_account.Credentials
    makers: dict[object, Callable[..., Any]] = {
        "service_account": service.from_service_account_info,
        "authorized_user": user.from_authorized_user_info,
    }
    if kind not in makers:
        # other kinds name programs and addresses of their own, which a payload should not decide
        return _refuse(f"The key is of the type {kind!r}, and not of a service account.")
    if isinstance(key.get("token_uri"), str):
        check_url(key["token_uri"])
    try:
        return makers[kind](key, scopes=_SCOPES)
    except (ValueError, exceptions.GoogleAuthError):
        missing = [field for field in ("client_email", "token_uri") if not key.get(field)]
    what = f"it has no {' and no '.join(missing)}" if missing else "its private_key is damaged"
    return _refuse(f"The key cannot be used: {what}.")


def _refuse(message: str) -> SourceError:
    raise AuthenticationError(message, fix=_FIX)
