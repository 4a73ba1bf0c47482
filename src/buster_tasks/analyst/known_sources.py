"""Credentials of a data source by its name, where the payload has none."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from buster_tasks.analyst.errors import UnknownSourceError
from buster_tasks.analyst.models import AnalystDataSource
from buster_tasks.settings import find_setting
from buster_tasks.sources.source_url import credentials_from_url

if TYPE_CHECKING:
    from buster_tasks.sources.credentials import AnyCredentials


def credentials_of(source: AnalystDataSource) -> AnyCredentials:
    """Those of the payload, else the URL in `BUSTER_TASKS_SOURCE_<NAME>` or under `sources` in `[tool.buster-tasks]`.

    Raises UnknownSourceError where there are none, and for a `type` that is another than theirs.
    """
    found = source.credentials
    if found is None:
        found = _read(_url_of(source.name), source.name)
    if source.type is not None and _plain(source.type) != _plain(found.type):
        raise UnknownSourceError(
            f"The data source {source.name!r} is said to be {source.type!r}, and its credentials are for "
            f"{found.type!r}.",
            fix="Correct one of the two.",
        )
    return found


def _read(url: str, name: str) -> AnyCredentials:
    try:
        return credentials_from_url(url)
    except ValidationError as error:  # which never shows the URL
        why = "; ".join(one["msg"] for one in error.errors(include_input=False, include_url=False))
    raise UnknownSourceError(
        f"The URL of the data source {name!r} cannot be read: {why}.",
        fix=f"Correct it, in {variable_of(name)} or pyproject.toml.",
    )


def variable_of(name: str) -> str:
    """The variable of the environment for a name: letters and digits in capitals, all else as _."""
    return f"BUSTER_TASKS_SOURCE_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}"


def _url_of(name: str) -> str:
    said = os.environ.get(variable_of(name), "").strip()
    if said:
        return said
    setting = find_setting("BUSTER_TASKS_SOURCES", "sources")
    known: object = None if setting is None else setting.value
    if isinstance(known, dict):
        url = cast("Mapping[str, object]", known).get(name)
        if isinstance(url, str) and url.strip():
            return url.strip()
    raise UnknownSourceError(
        f"No credentials are known for the data source {name!r}.",
        fix=f"Give them in the payload, or a URL in {variable_of(name)}.",
    )


def _plain(kind: str) -> str:
    return {"postgresql": "postgres"}.get(kind, kind)
