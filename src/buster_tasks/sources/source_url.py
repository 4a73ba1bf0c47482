"""Credentials from one line: `postgresql://reader@db.example/shop?password=env:PGPASSWORD`."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources.credentials import AnyCredentials, parse_credentials

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
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
_FILES = ("sqlite", "duckdb")
_FLAGS = {"true": True, "false": False}
_SSL_MODES = {"disable": False, "require": True, "verify-ca": True, "verify-full": True}


def credentials_from_url(url: str) -> AnyCredentials:
    """The credentials that a URL stands for.

    `scheme://user:password@host:port/database?option=value` for servers, `sqlite:///relative.db` or
    `duckdb:////absolute.db` for files. Options are the other fields of the kind's credentials; `password` may stand
    there too, best as a reference such as `env:PGPASSWORD`, since a URL is easily seen by others. `sslmode` means
    what it means to libpq, but that a certificate is checked whenever TLS is used. Snowflake's is
    `snowflake://user:password@account/database/schema?warehouse_id=...&role=...`, that of Databricks
    `databricks://token:value@host/sql/1.0/warehouses/abc?catalog=...`, whose path is the `http_path`.

    Raises SourceNotSupportedError for another scheme, and pydantic's ValidationError, which never shows the URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets of an IPv6 address that do not match
        parts = SplitResult("", "", "", "", "")
    kind = KIND_OF_SCHEME.get(parts.scheme.partition("+")[0].lower())
    if kind is None or "://" not in url:
        raise SourceNotSupportedError(
            f"{parts.scheme or 'A text without a scheme'!s} stands for no kind of data source.",
            fix=f"Write one of {', '.join(f'{scheme}://' for scheme in KIND_OF_SCHEME)}.",
        )
    fields: dict[str, object] = {name: _value(text) for name, text in parse_qsl(parts.query)}
    if kind in _FILES:
        path = unquote(parts.netloc + parts.path if parts.netloc else parts.path[1:])
        return parse_credentials({**fields, "type": kind, "path": path})
    if kind == "snowflake":
        return parse_credentials({**_of_snowflake(parts), **fields, "type": kind})
    if kind == "databricks":
        return parse_credentials({**_of_databricks(parts), **fields, "type": kind})
    mode = fields.pop("sslmode", None)
    if mode is not None:
        fields["ssl"] = _SSL_MODES.get(str(mode), mode)
    given = {
        "server" if kind == "sqlserver" else "host": parts.hostname,
        "port": _port(parts),
        "database": unquote(parts.path[1:]),
        "username": _text(parts.username),
        "password": _text(parts.password),
    }
    known = {name: value for name, value in given.items() if value}
    return parse_credentials({**known, **fields, "type": kind})


def _of_databricks(parts: SplitResult) -> dict[str, object]:
    host, port = parts.hostname, _port(parts)
    given = {
        "server_hostname": host if port is None or host is None else f"https://{host}:{port}",
        "http_path": unquote(parts.path),
        "access_token": _text(parts.password),
    }
    return {name: value for name, value in given.items() if value}


def _of_snowflake(parts: SplitResult) -> dict[str, object]:
    database, _slash, schema = parts.path[1:].partition("/")
    given = {
        "account_id": parts.hostname,
        "default_database": unquote(database),
        "default_schema": unquote(schema),
        "username": _text(parts.username),
        "password": _text(parts.password),
    }
    return {name: value for name, value in given.items() if value}


def _port(parts: SplitResult) -> int | str | None:
    try:
        return parts.port
    except ValueError:
        return parts.netloc.rpartition(":")[2]  # the model says what is wrong with it


def _text(part: str | None) -> str | None:
    return None if part is None else unquote(part)


def _value(text: str) -> str | bool:
    return _FLAGS.get(text, text)
