"""A stand-in for Snowflake: fakesnow, with what the real service has and it lacks, over its own HTTP protocol.

Started by `tests/doubles/snowflake_account.py` with the Python of its own environment: PORT PASSWORD.
What is added: a login that can be refused and has the fields that drivers from 5.0 on want, databases that are not
made by logging in, statements that run detached (`asyncExec`) and can be looked after and stopped, views in
INFORMATION_SCHEMA.TABLES, and SHOW ... KEYS IN DATABASE and IN SCHEMA as DuckDB knows them.
"""

import asyncio
import gzip
import importlib
import json
import re
import string
import sys
import uuid
from typing import Any

import duckdb
import pyarrow as pa
import snowflake.connector.errors
import sqlglot
import uvicorn
from fakesnow import arrow, cursor, info_schema
from fakesnow.instance import FakeSnow
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

server: Any = importlib.import_module("fakesnow.server")  # the package has a function of this name

PORT, PASSWORD = int(sys.argv[1]), sys.argv[2]
TOKENS = {"OAUTH": f"oauth-{PASSWORD}", "PROGRAMMATIC_ACCESS_TOKEN": f"pat-{PASSWORD}"}
SESSION_SETTINGS = r"^\s*(USE\s+SECONDARY\s+ROLES|ALTER\s+SESSION|USE\s+WAREHOUSE|USE\s+ROLE)\b"

server.shared_fs = FakeSnow(
    create_database_on_connect=False,
    create_schema_on_connect=False,
    nop_regexes=[SESSION_SETTINGS],
)
users: dict[str, str] = {}
asked: list[dict[str, Any]] = []
running: dict[str, tuple[asyncio.Task[JSONResponse], str, str]] = {}


class Structs:
    """pyarrow's arrays of structs, null where their first field is: a NULL of a timestamp."""

    @staticmethod
    def from_arrays(arrays: Any, fields: Any) -> Any:
        """An array of structs."""
        return pa.StructArray.from_arrays(arrays, fields=fields, mask=arrays[0].is_null())


class Nullable:
    """pyarrow with fields that may be null: drivers from 5.0 on take a NULL of a timestamp in no other."""

    StructArray = Structs

    def __getattr__(self, name: str) -> Any:
        return getattr(pa, name)

    def field(self, *args: Any, **kwargs: Any) -> Any:
        """A field that may be null."""
        return pa.field(*args, **{**kwargs, "nullable": True})


arrow.pa = Nullable()

# Views are tables of a kind of their own in Snowflake's catalog.
_VIEWS = """
union all select database_name, schema_name, view_name, 'SYSADMIN', 'VIEW', 'NO', null, null, null, 0, null, null,
    null, null, null, 'NO', 'YES', null, to_timestamp(0)::timestamptz, to_timestamp(0)::timestamptz,
    to_timestamp(0)::timestamptz, 'SYSADMIN', null, comment, 'NO', 'NO', 'NO', 'NO', 'NO'
from duckdb_views where database_name = '${catalog}' and schema_name != '_fs_information_schema'
  and not internal
"""
info_schema.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW.template += _VIEWS


class Escaping(string.Template):
    """A text of SQL into which names are put as they should be, between quotes."""

    def substitute(self, *args: Any, **names: Any) -> str:
        """The text with the names in it."""
        return super().substitute(*args, **{key: escaped(name) for key, name in names.items()})


def escaped(name: Any) -> Any:
    """A name as it stands within a text of SQL."""
    return name.replace("'", "''") if isinstance(name, str) else name


for _name, _template in vars(cursor).items():
    if _name.startswith("SQL_") and isinstance(_template, string.Template):
        setattr(cursor, _name, Escaping(_template.template))
_comment, _lengths = info_schema.insert_table_comment_sql, info_schema.insert_text_lengths_sql
info_schema.insert_table_comment_sql = lambda *names: _comment(*map(escaped, names[:3]), names[3])
info_schema.insert_text_lengths_sql = lambda catalog, schema, table, lengths: _lengths(
    catalog, schema, escaped(table), [(escaped(name), length) for name, length in lengths]
)

_KEYS = """
select to_timestamp(0)::timestamptz as "created_on", database_name as "database_name", schema_name as "schema_name",
    table_name as "table_name", unnest(constraint_column_names) as "column_name",
    generate_subscripts(constraint_column_names, 1) as "key_sequence",
    coalesce(constraint_name, 'SYS_CONSTRAINT_' || constraint_index) as "constraint_name", 'false' as "rely",
    null::varchar as "comment"
from duckdb_constraints() where constraint_type = '{kind}' and {where}
order by schema_name, table_name, constraint_index limit 10000
"""
_IMPORTED = """
select to_timestamp(0)::timestamptz as "created_on", database_name as "pk_database_name",
    schema_name as "pk_schema_name", referenced_table as "pk_table_name",
    unnest(referenced_column_names) as "pk_column_name", database_name as "fk_database_name",
    schema_name as "fk_schema_name", table_name as "fk_table_name",
    unnest(constraint_column_names) as "fk_column_name",
    generate_subscripts(constraint_column_names, 1) as "key_sequence", 'NO ACTION' as "update_rule",
    'NO ACTION' as "delete_rule", coalesce(constraint_name, 'SYS_CONSTRAINT_' || constraint_index) as "fk_name",
    null::varchar as "pk_name", 'NOT DEFERRABLE' as "deferrability", 'false' as "rely", null::varchar as "comment"
from duckdb_constraints() where constraint_type = 'FOREIGN KEY' and {where}
order by schema_name, table_name, constraint_index limit 10000
"""
_SHOW = re.compile(
    r'\s*SHOW\s+(PRIMARY|UNIQUE|IMPORTED)\s+KEYS\s+IN\s+(DATABASE|SCHEMA)\s+("(?:[^"]|"")+")'
    r'(?:\.("(?:[^"]|"")+"))?\s*$',
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"CURRENT_(USER|ROLE|DATABASE|SCHEMA|WAREHOUSE)\(\)")
_KINDS = {"PRIMARY": "PRIMARY KEY", "UNIQUE": "UNIQUE"}
_execute = cursor.FakeSnowflakeCursor.execute


def execute(self: Any, command: str, params: Any = None, *args: Any, **kwargs: Any) -> Any:
    """As fakesnow's, but for the catalog's keys, and for errors that are none of its bugs."""
    found = _SHOW.match(command)
    if found is not None:
        command = _keys(*found.groups())
        self._execute(sqlglot.parse_one(command, read="duckdb"))
        return self
    if command.startswith("SELECT CURRENT_"):
        command = _CONTEXT.sub(lambda match: _context(self._conn, match[1]), command)
    try:
        done = _execute(self, command, params, *args, **kwargs)
        if command.startswith("COMMENT ON COLUMN"):  # which DuckDB cannot describe
            done = _execute(self, "SELECT 'Statement executed successfully.' AS status")
        return done
    except duckdb.InterruptException as error:
        raise _error(604, "57014", "SQL execution canceled") from error
    except duckdb.Error as error:
        raise _error(100000, "22000", str(error).splitlines()[0]) from error


def _context(connection: Any, what: str) -> str:
    """What Snowflake tells about the session, and DuckDB does not know."""
    known = {
        "USER": connection.user, "ROLE": connection.role, "WAREHOUSE": connection.warehouse,
        "DATABASE": connection.database if connection.database_set else None,
        "SCHEMA": connection.schema if connection.schema_set else None,
    }[what]  # fmt: skip
    return "NULL" if known is None else f"'{escaped(known)}'"


def _keys(kind: str, scope: str, database: str, schema: str | None) -> str:
    where = f"database_name = {_text(database)}"
    if scope.upper() == "SCHEMA":
        where += f" and schema_name = {_text(schema or '')}"
    text = _IMPORTED if kind.upper() == "IMPORTED" else _KEYS
    return text.format(kind=_KINDS.get(kind.upper()), where=where)


def _text(identifier: str) -> str:
    name = identifier[1:-1].replace('""', '"')
    return f"'{escaped(name)}'"


def _error(errno: int, sqlstate: str, message: str) -> Exception:
    return snowflake.connector.errors.ProgrammingError(msg=message, errno=errno, sqlstate=sqlstate)


cursor.FakeSnowflakeCursor.execute = execute


async def _body(request: Request) -> dict[str, Any]:
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body)


async def login(request: Request) -> JSONResponse:
    """A session for the right password or token alone."""
    data = (await _body(request))["data"]
    way = str(data.get("AUTHENTICATOR", "SNOWFLAKE")).upper()
    known = data.get("TOKEN") == TOKENS[way] if way in TOKENS else data.get("PASSWORD") == PASSWORD
    user = str(data.get("LOGIN_NAME", ""))
    if not known:
        return _failed("390100", "08001", "Incorrect username or password was specified.")
    made = json.loads((await server.login_request(request)).body)
    made["data"] |= {
        "masterToken": "master", "masterValidityInSeconds": 14400, "validityInSeconds": 3600,
        "sessionId": len(users) + 1, "displayUserName": user,
    }  # fmt: skip
    made["data"]["parameters"].append({"name": "CLIENT_TELEMETRY_ENABLED", "value": False})
    session = server.sessions[made["data"]["token"]]
    asks = request.query_params
    session.user, session.warehouse = user.upper(), asks.get("warehouse")
    session.role = asks.get("roleName", "ANALYST")
    users[made["data"]["token"]] = user.upper()
    return JSONResponse(made)


def _failed(code: str, sqlstate: str, message: str) -> JSONResponse:
    data = {"errorCode": code, "sqlState": sqlstate}
    return JSONResponse({"data": data, "code": code, "message": message, "success": False})


# What users whose names begin so may not ask, and what they are told.
_LIMITS = {
    "NO_KEYS": (_SHOW, "003001", "42501", "Insufficient privileges to operate on the database"),
    "NO_DATABASES": (re.compile("SHOW DATABASES"), "003001", "42501", "Insufficient privileges"),
    "NO_VIEWS": (
        re.compile(r"(?s).*INFORMATION_SCHEMA\.VIEWS"), "003001", "42501", "Insufficient privileges",
    ),
    "NO_SHARE": (
        re.compile(r'(?s).*FROM "SHARE'), "002003", "02000", "Database does not exist or not authorized",
    ),
    "NO_TABLES": (
        re.compile(r"(?s).*INFORMATION_SCHEMA\.TABLES"), "000606", "57P03", "No active warehouse selected",
    ),
    "TOO_MUCH": (
        re.compile(r"(?s).*INFORMATION_SCHEMA\.(TABLES|COLUMNS|VIEWS) WHERE (?!TABLE_SCHEMA = \?)"),
        "090030", "22000", "Information schema query returned too much data.",
    ),
}  # fmt: skip


async def query(request: Request) -> JSONResponse:
    """The answer; of a detached statement its number, under which it goes on."""
    body, token = await _body(request), server.to_token(request)
    user = users.get(token, "")
    asked.append({"sql": body["sqlText"], "parameters": body.get("parameters"), "user": user})
    if not body.get("asyncExec"):
        return await answer(request, body["sqlText"], user)
    number = str(uuid.uuid4())
    work = asyncio.ensure_future(answer(request, body["sqlText"], user))
    running[number] = work, token, body["sqlText"]
    data = {"queryId": number, "getResultUrl": f"/queries/{number}/result"}
    return JSONResponse({"data": data, "code": "333334", "message": "in progress", "success": True})


async def answer(request: Request, sql: str, user: str) -> JSONResponse:
    """What fakesnow says, but for what this user may not ask."""
    for name, (pattern, code, sqlstate, message) in _LIMITS.items():
        if user.startswith(name) and pattern.match(sql):
            return _failed(code, sqlstate, message)
    response: JSONResponse = await server.query_request(request)
    return response


async def status(request: Request) -> JSONResponse:
    """How far a detached statement is."""
    number = request.path_params["number"].strip("/")  # drivers from 5.0 on write a second slash
    if number not in running:
        return JSONResponse({"data": {"queries": []}, "success": True})
    work, _token, _sql = running[number]
    told: dict[str, Any] = {"id": number, "status": "RUNNING"}
    if work.done():
        came = json.loads(work.result().body)
        told["status"] = "SUCCESS" if came["success"] else "FAILED_WITH_ERROR"
        told |= {"errorCode": came.get("code"), "errorMessage": came.get("message")}
    return JSONResponse({"data": {"queries": [told]}, "success": True})


async def result(request: Request) -> JSONResponse:
    """The answer of a detached statement."""
    number = request.path_params["number"]
    if number not in running:
        return _failed("000709", "02000", f"Statement {number} not found")
    came = json.loads((await running[number][0]).body)
    if came["data"] is not None:
        came["data"]["queryId"] = number
    return JSONResponse(came)


async def abort(request: Request) -> JSONResponse:
    """Stop a detached statement."""
    number = request.path_params["number"]
    work, token, _sql = running[number]
    while not work.done():  # DuckDB forgets an interrupt that comes before the statement has begun
        server.sessions[token]._duck_conn.interrupt()
        await asyncio.sleep(0.01)
    return JSONResponse({"data": None, "success": True})


async def state(_request: Request) -> JSONResponse:
    """For the tests: who is logged in, what runs, what was asked."""
    users_now = [users[token] for token in server.sessions]
    runs = [sql for work, _token, sql in running.values() if not work.done()]
    return JSONResponse({"sessions": users_now, "running": runs, "asked": asked})


async def telemetry(_request: Request) -> JSONResponse:
    """For the tests: that this was asked is to be seen."""
    asked.append({"sql": "TELEMETRY", "parameters": None, "user": None})
    return JSONResponse({"data": None, "success": True})


routes = [
    Route("/session/v1/login-request", login, methods=["POST"]),
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Route("/monitoring/queries/{number:path}", status, methods=["GET"]),
    Route("/queries/{number}/result", result, methods=["GET"]),
    Route("/queries/{number}/abort-request", abort, methods=["POST"]),
    Route("/telemetry/send", telemetry, methods=["POST"]),
    Route("/state", state, methods=["GET"]),
    *(route for route in server.routes if route.path in {"/session", "/session/heartbeat"}),
]

if __name__ == "__main__":
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=PORT, log_level="warning")
