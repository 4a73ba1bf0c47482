"""Payloads and trigger options, from what was typed."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, cast

from pydantic import TypeAdapter

from taskkit.cli.problem import Problem
from taskkit.cli.screen import note
from taskkit.definition.task_definition import TaskDefinition
from taskkit.model.options import Debounce, TriggerOptions

_BESIDE = 36
_SECRET = re.compile(r'("[^"]*(?:password|secret|token|key)[^"]*"\s*:\s*")([^"]*)', re.IGNORECASE)
_HOW = 'Write --payload \'{"name": "Ada"}\', --payload @file.json, or --payload - to read stdin.'


def read_payload(given: str | None) -> Any:
    """JSON itself, `@file`, or `-` for stdin; a Problem says what is wrong with it, and where."""
    if given is None:
        return None
    if given == "-":
        return json_data(_stdin(), "stdin")
    if given.startswith("@"):
        return json_data(_file(given[1:]), given[1:])
    return json_data(given, "--payload")


def json_data(text: str, where: str) -> Any:
    """JSON text as data."""
    try:
        return json.loads(text, parse_constant=_refuse(where))
    except json.JSONDecodeError as error:
        raise _not_json(text, error, where) from None
    except RecursionError:
        raise Problem("The payload is nested too deeply.", where=where, fix="Flatten it.") from None


def _refuse(where: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise Problem(
            f"The payload contains {constant}, which JSON does not have.",
            where=where,
            fix="Use null, or a text.",
        )

    return refuse


def _not_json(text: str, error: json.JSONDecodeError, where: str) -> Problem:
    if not text.strip():
        return Problem("The payload is empty, which is no JSON.", where=where, fix=_HOW)
    line = _SECRET.sub(_masked, text.split("\n")[error.lineno - 1].replace("\t", " "))
    start = max(0, error.colno - 1 - _BESIDE)
    shown = line[start : error.colno - 1 + _BESIDE]
    details = () if not shown.strip() else (shown, " " * (error.colno - 1 - start) + "^")
    return Problem(
        "The payload is not JSON.",
        where=f"{where}, line {error.lineno}, column {error.colno}",
        why=f"{error.msg}.",
        details=details,
        fix="Names and texts stand in double quotes, and nothing follows the last item."
        if where != "--payload"
        else f"{_HOW}",
    )


def _masked(found: re.Match[str]) -> str:
    return found.group(1) + "*" * len(found.group(2))  # as long as before: a caret points below it


def _stdin() -> str:
    if sys.stdin.isatty():
        note("Type the payload as JSON, and end it with Ctrl-D.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("What came on stdin is not UTF-8.", where="stdin", why=str(error)) from None


def _file(name: str) -> str:
    try:
        return Path(name).expanduser().read_text("utf-8-sig")
    except OSError as error:
        raise Problem(
            f"The payload's file {name or '(no name)'} cannot be read.",
            where=f"--payload @{name}",
            why=f"{error.strerror or error}.",
            fix=f"Check the path; it is relative to {Path.cwd()}.",
        ) from None
    except UnicodeDecodeError as error:
        raise Problem(
            f"The payload's file {name} is not UTF-8.", where=f"--payload @{name}", why=str(error)
        ) from None


def read_options(given: Iterable[str]) -> TriggerOptions:
    """`name=value` texts as trigger options; `tags` may be repeated."""
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            known = ", ".join(TriggerOptions.__annotations__)
            raise Problem(
                f"The option {text!r} has no value.",
                where=f"--option {text}",
                fix=f"Write --option name=value, such as --option delay=10m. Names are: {known}.",
            )
        if name == "tags":
            options.setdefault(name, []).append(value)
        else:
            options[name] = _value_of(name, value)
    return cast("TriggerOptions", options)


def _value_of(name: str, text: str) -> Any:
    if name == "metadata":
        return json_data(text, f"--option {name}")
    if name == "debounce":
        return _debounce(json_data(text, f"--option {name}"))
    if name == "delay" and "T" in text[1:]:
        return _moment(text)
    if name in ("priority", "max_attempts", "max_duration"):
        return _number(text)
    return text


def _debounce(value: object) -> Debounce:
    fix = 'Write --option \'debounce={"key": "k", "delay": "5s"}\'.'
    if not isinstance(value, Mapping):
        raise Problem("debounce must be a JSON object.", where="--option debounce", fix=fix)
    try:
        return Debounce(**cast("Mapping[str, Any]", value))
    except TypeError as error:
        raise Problem(
            "debounce is not understood.", where="--option debounce", why=str(error), fix=fix
        ) from None


def _moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text  # an ISO 8601 duration has a T too


def _number(text: str) -> int | float | str:
    if text == "inf":
        return math.inf
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def fields_of(task: TaskDefinition | None) -> str:
    """What a task takes, in one sentence; empty where its schema names no fields."""
    schema = {} if task is None else schema_of(task) or {}
    fields: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", ())
    told = [
        f"{name} ({_type_of(of)}{'' if name in required else ', optional'})"
        for name, of in fields.items()
    ]
    if not told:
        return f"It takes: {_type_of(schema)}." if "type" in schema else ""
    return f"It takes: {', '.join(told)}."


def schema_of(task: TaskDefinition) -> dict[str, Any] | None:
    """The JSON schema of a task's payload; None where it has none."""
    if not task.has_payload:
        return None
    try:
        return TypeAdapter[Any](task.payload_type).json_schema()
    except Exception:  # not every type that can be validated can be described
        return None


def _type_of(schema: Mapping[str, Any]) -> str:
    for key in ("type", "title"):
        if isinstance(schema.get(key), str):
            return str(schema[key])
    return str(schema.get("$ref", "any")).rpartition("/")[2]
