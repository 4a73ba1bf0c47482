"""How runs and their ends look in a notebook: one small table, no script, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from pydantic_core import to_json

from taskkit.model.error_info import ErrorInfo
from taskkit.model.run import FINAL, Run, RunStatus

_LONGEST = 600
_GOOD, _BAD, _OPEN, _OVER = "#1a7f37", "#c4314b", "#0969da", "#6e7781"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;border:0"


def run_card(run: Run) -> str:
    """A run as it stood when it was read."""
    rows: dict[str, object] = {
        "payload": run.payload,
        "output": run.output if run.status is RunStatus.COMPLETED else None,
        "error": run.error,
        "canceled because": run.cancel_reason,
        "metadata": run.metadata,
        "tags": ", ".join(run.tags),
        "attempt": run.attempt or None,
        "created": run.created_at,
        "starts": run.available_at if run.is_queued else None,
        "started": run.started_at,
        "finished": run.finished_at,
        "parent": run.parent_id,
    }
    return _card(run.task_id, run.id, run.status, rows)


def result_card(
    task_id: str, run_id: str, status: RunStatus, output: object, error: ErrorInfo | None
) -> str:
    """The end of a run."""
    shown = output if status is RunStatus.COMPLETED else None
    return _card(task_id, run_id, status, {"output": shown, "error": error})


def _card(task_id: str, run_id: str, status: RunStatus, rows: Mapping[str, object]) -> str:
    badge = (
        f'<span style="background:{_color(status)};color:#fff;border-radius:4px;padding:1px 6px;'
        f'font-size:85%">{escape(status)}</span>'
    )
    head = f"<b>{escape(task_id)}</b> {badge} <code>{escape(run_id)}</code>"
    body = "".join(_row(name, value) for name, value in rows.items() if value not in (None, "", {}))
    return f'<div>{head}<table style="margin:4px 0;border:0">{body}</table></div>'


def _row(name: str, value: object) -> str:
    head = f'<th scope="row" style="{_CELL};font-weight:normal;opacity:.7">{escape(name)}</th>'
    return f'<tr style="background:none">{head}<td style="{_CELL}">{_text(value)}</td></tr>'


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return escape(value.strftime("%Y-%m-%d %H:%M:%S UTC"))
    if isinstance(value, ErrorInfo):
        return f"{escape(str(value))}{_details(value.stack)}"
    if isinstance(value, str | int):
        return escape(_short(str(value)))
    return f"<code>{escape(_short(_json(value)))}</code>"


def _details(stack: str | None) -> str:
    if not stack:
        return ""
    return f"<details><summary>stack</summary><pre>{escape(stack)}</pre></details>"


def _json(value: Any) -> str:
    return to_json(value, fallback=repr, inf_nan_mode="strings").decode()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _color(status: RunStatus) -> str:
    if status is RunStatus.COMPLETED:
        return _GOOD
    if status in FINAL:
        return _OVER if status is RunStatus.CANCELED else _BAD
    return _OPEN
