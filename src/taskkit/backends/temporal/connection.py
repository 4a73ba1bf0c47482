"""A client of the server: TLS, API keys, and calls that end in time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from temporalio import client as temporal_client
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import KeepAliveConfig, TLSConfig

from taskkit.backends.temporal.patience import Patience
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.refusal import Door, unconnected
from taskkit.errors import InvalidConfigError

_CONNECT_SECONDS: Final = 8.0
_ALIVE: Final = KeepAliveConfig(interval_millis=10_000, timeout_millis=5_000)
_NAMES_A_FILE: Final = ("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")


@dataclass(frozen=True, slots=True)
class Access:
    """How a server is spoken to; its repr shows no secret."""

    tls: TLSConfig | None
    api_key: str | None
    headers: Mapping[str, str]

    @property
    def door(self) -> Door:
        if self.tls is None:
            return "plain"
        return "tls" if self.tls.client_cert is None else "mutual"

    def __repr__(self) -> str:
        return f"Access(tls={self.tls is not None}, api_key={'***' if self.api_key else None})"


async def connect(place: Place, data_converter: DataConverter) -> Client:
    """A client that has been answered; a typed error within 10 s that names the address and what to do."""
    access = await asyncio.to_thread(access_to, place)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await Client.connect(
                place.address,
                namespace=place.namespace,
                tls=access.tls or False,
                api_key=access.api_key,
                rpc_metadata=access.headers,
                data_converter=data_converter,
                keep_alive_config=_ALIVE,
                interceptors=[Patience()],
                **_no_warnings(),
            )
    except (TimeoutError, RuntimeError) as error:
        raise unconnected(place, str(error), access.door) from error


def _no_warnings() -> dict[str, Any]:
    """The SDK would print a line for each run whose payload and state are above 2 KiB; our own limits are told."""
    limits = getattr(temporal_client, "PayloadLimitsConfig", None)  # not in older versions
    return {} if limits is None else {"payload_limits": limits(memo_warn_size=0)}


def access_to(place: Place) -> Access:
    """What the URL says, and where it says nothing Temporal's environment variables; InvalidConfigError otherwise.

    An API key switches TLS on. Where TLS is switched off the key is not sent: anybody could read it.
    """
    profile = _profile()
    asked, theirs = place.tls, profile.tls
    is_on = asked.is_on
    if is_on is None:
        is_off = theirs is not None and theirs.disabled is True and not asked.has_details
        is_on = not is_off and (asked.has_details or theirs is not None or bool(profile.api_key))
    if not is_on:
        return Access(None, None, profile.grpc_meta)
    tls = TLSConfig() if theirs is None or theirs.disabled else _tls_of(profile)
    given = TLSConfig(
        server_root_ca_cert=_file("ca", asked.ca) or tls.server_root_ca_cert,
        domain=asked.server_name or tls.domain,
        client_cert=_file("cert", asked.cert) or tls.client_cert,
        client_private_key=_file("key", asked.key) or tls.client_private_key,
    )
    return Access(given, _checked(profile.api_key), profile.grpc_meta)


def _profile() -> ClientConfigProfile:
    """Temporal's own settings; a file only where a variable names it, or a profile of it."""
    wants_file = any(os.environ.get(name) for name in _NAMES_A_FILE)
    try:
        return ClientConfigProfile.load(disable_file=not wants_file)
    except (RuntimeError, ValueError) as error:
        raise InvalidConfigError(
            f"Temporal's environment variables (TEMPORAL_...) cannot be used: {error}. Correct or unset them."
        ) from error


def _tls_of(profile: ClientConfigProfile) -> TLSConfig:
    assert profile.tls is not None
    try:
        made = profile.tls.to_connect_tls_config()
    except OSError as error:
        raise InvalidConfigError(
            f"A file that Temporal's environment variables name (TEMPORAL_TLS_...) cannot be read: {error}. Correct "
            f"the path."
        ) from error
    return made if isinstance(made, TLSConfig) else TLSConfig()


def _file(option: str, path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InvalidConfigError(
            f"The file {path!r}, which the backend URL names as {option}=, cannot be read: {error.strerror or error}. "
            f"Correct the path, or the rights of the file."
        ) from error


def _checked(api_key: str | None) -> str | None:
    """A key without the line's end that files leave; InvalidConfigError, which does not show it, for what is none."""
    key = (api_key or "").strip()
    if not key.isascii() or not key.isprintable():
        raise InvalidConfigError(
            "TEMPORAL_API_KEY holds characters that no API key has. Copy the key again, without quotes or spaces."
        )
    return key or None
