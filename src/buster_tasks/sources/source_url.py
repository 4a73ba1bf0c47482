"""Credentials from one line: `postgresql://reader@db.example/shop?password=env:PGPASSWORD`."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources.credentials import (
    KINDS,
    AnyCredentials,
    credentials_model,
    parse_credentials,
)
from buster_tasks.sources.kinds import known_kinds

KIND_OF_SCHEME: Final = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "redshift": "redshift",
    "sqlserver": "sqlserver",
    "mssql": "sqlserver",
    "snowflake": "snowflake",
    "databricks": "databricks",
    "bigquery": "bigquery",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
_Reader = Callable[[SplitResult], dict[str, object]]

_WITH_SSL_MODE = ("postgres", "mysql", "redshift")
_FLAGS = {"true": True, "false": False}
_SSL_MODES = {"disable": False, "require": True, "verify-ca": True, "verify-full": True}


def credentials_from_url(url: str) -> AnyCredentials:
    """The credentials that a URL stands for.

    `scheme://user:password@host:port/database?option=value` for servers, `sqlite:///relative.db` or
    `duckdb:////absolute.db` for files. Options are the other fields of the kind's credentials; `password` may stand
    there too, best as a reference such as `env:PGPASSWORD`, since a URL is easily seen by others. `sslmode` means
    what it means to libpq, but that a certificate is checked whenever TLS is used. Snowflake's is
    `snowflake://user:password@account/database/schema?warehouse_id=...&role=...`, that of Databricks
    `databricks://token:value@host/sql/1.0/warehouses/abc?catalog=...`, whose path is the `http_path`, BigQuery's
    `bigquery://project/dataset?location=...`. The scheme of a kind that a package adds is its name; it is written as
    files are where its credentials have a `path`, else as servers are. What means something in a URL
    (`@ : / ? # % &`) is percent-encoded.

    Raises SourceNotSupportedError for another scheme, and pydantic's ValidationError, which never shows the URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets of an IPv6 address that do not match
        parts = SplitResult("", "", "", "", "")
    kind = _kind_of(parts.scheme if "://" in url else "")
    read = _reader_of(kind)
    _check_encoding(parts, has_port=read not in _WITHOUT_PORT)
    given = {name: value for name, value in read(parts).items() if value}
    options: dict[str, object] = {name: _value(text) for name, text in parse_qsl(parts.query)}
    if "sslmode" in options and kind in _WITH_SSL_MODE:
        mode = options.pop("sslmode")
        options["ssl"] = _SSL_MODES.get(str(mode), mode)
    return parse_credentials({**given, **options, "type": kind})


def _kind_of(written: str) -> str:
    scheme = written.partition("+")[0].lower()
    if scheme in KIND_OF_SCHEME:
        return KIND_OF_SCHEME[scheme]
    kinds = known_kinds()
    if scheme in kinds:
        return scheme
    schemes = list(dict.fromkeys([*KIND_OF_SCHEME, *kinds]))
    near = get_close_matches(scheme, schemes, n=1)
    hint = f"Did you mean {near[0]}://? " if near else ""
    raise SourceNotSupportedError(
        f"{written or 'A text without a scheme'} stands for no kind of data source.",
        fix=f"{hint}Write one of {', '.join(f'{one}://' for one in schemes)}.",
    )


def _reader_of(kind: str) -> _Reader:
    """What takes a URL apart. Raises SourceNotSupportedError for a kind whose package is broken."""
    if kind in KINDS:
        return _READERS.get(kind, _of_server)
    return _of_file if "path" in credentials_model(kind).model_fields else _of_server


def _check_encoding(parts: SplitResult, *, has_port: bool) -> None:
    """Raise where a password was written as it is: a part of it would be taken for something else, and be shown."""
    rest = f"{parts.path}?{parts.query}#{parts.fragment}"
    is_cut = has_port and "@" in rest and isinstance(_port(parts), str)
    if parts.fragment or is_cut:
        raise SourceNotSupportedError(
            f"This {parts.scheme}:// has a character in it that means something else in a URL.",
            fix="Percent-encode user, password, database and options: @ is %40, : %3A, / %2F, ? %3F, # %23, % %25.",
        )


def _of_file(parts: SplitResult) -> dict[str, object]:
    return {"path": unquote(parts.netloc + parts.path if parts.netloc else parts.path[1:])}


def _of_server(parts: SplitResult) -> dict[str, object]:
    return {
        "host": parts.hostname,
        "port": _port(parts),
        "database": unquote(parts.path[1:]),
        "username": _text(parts.username),
        "password": _text(parts.password),
    }


def _of_sqlserver(parts: SplitResult) -> dict[str, object]:
    known = _of_server(parts)
    return {"server": known.pop("host"), **known}


def _of_bigquery(parts: SplitResult) -> dict[str, object]:
    return {
        # as it is written: that of an organisation has a colon, such as example.com:shop
        "project_id": unquote(parts.netloc.rpartition("@")[2]),
        "default_dataset": unquote(parts.path[1:]),
        # of which there are none, as the model says
        "username": _text(parts.username if "@" in parts.netloc else None),
        "password": _text(parts.password if "@" in parts.netloc else None),
    }


def _of_databricks(parts: SplitResult) -> dict[str, object]:
    host, port = parts.hostname, _port(parts)
    return {
        "server_hostname": host if port is None or host is None else f"https://{host}:{port}",
        "http_path": unquote(parts.path),
        "access_token": _text(parts.password),
    }


def _of_snowflake(parts: SplitResult) -> dict[str, object]:
    database, _slash, schema = parts.path[1:].partition("/")
    return {
        "account_id": parts.hostname,
        "default_database": unquote(database),
        "default_schema": unquote(schema),
        "username": _text(parts.username),
        "password": _text(parts.password),
    }


_READERS: Final[dict[str, _Reader]] = {
    "sqlite": _of_file,
    "duckdb": _of_file,
    "sqlserver": _of_sqlserver,
    "snowflake": _of_snowflake,
    "databricks": _of_databricks,
    "bigquery": _of_bigquery,
}
_WITHOUT_PORT = (_of_file, _of_bigquery)


def _port(parts: SplitResult) -> int | str | None:
    try:
        return parts.port
    except ValueError:
        return parts.netloc.rpartition(":")[2]  # the model says what is wrong with it


def _text(part: str | None) -> str | None:
    return None if part is None else unquote(part)


def _value(text: str) -> str | bool:
    return _FLAGS.get(text, text)
