"""`taskkit doctor`: what is installed, configured and reachable here, and what will not work."""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from taskkit import config
from taskkit.backends.base import SupportsWorkers
from taskkit.cli.extras import PACKAGE, Extra, core, extras
from taskkit.cli.inspection import Finding, loading_faults, task_faults
from taskkit.cli.options import NOTHING_SAID, Shared
from taskkit.cli.problem import OK, RUN_FAILED, block_of
from taskkit.cli.screen import clean, console, limit, place, small, table, write_json
from taskkit.cli.secret_keys import key_faults, key_setting
from taskkit.cli.where import reached, shared_home, without_password
from taskkit.definition.registry import REGISTRY
from taskkit.errors import TaskkitError
from taskkit.runtime.current_backend import configured_home
from taskkit.runtime.home import Home

_TIME_LIMIT = 10.0


@dataclass(slots=True)
class Report:
    """Everything that doctor found."""

    versions: dict[str, str]
    extras: list[Extra]
    configuration: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    backend: dict[str, Any] = field(default_factory=dict[str, Any])
    tasks: list[str] = field(default_factory=list[str])
    problems: list[Finding] = field(default_factory=list[Finding])


def doctor(*, shared: Shared = NOTHING_SAID) -> int:
    """Look for what will not work: versions, extras, configuration, backend, tasks.

    Exit status 1 when there is a problem. A missing extra is none, unless the configured backend needs it.

    For example:

        taskkit doctor
        taskkit doctor --app shop/tasks.py --backend postgresql://localhost/runs
    """
    report = examined(shared)
    if shared.is_json:
        write_json(_data(report))
    else:
        _show(report)
    return RUN_FAILED if report.problems else OK


def examined(shared: Shared) -> Report:
    """Look at everything; a problem hides none of the others."""
    report = Report(_versions(), extras())
    report.problems.extend(_core_faults())
    report.problems.extend(loading_faults(shared))
    report.problems.extend(task_faults())
    report.problems.extend(key_faults())
    report.tasks = sorted(REGISTRY.ids())
    try:
        report.configuration = [*_settings(shared), key_setting()]
        report.backend = asyncio.run(_backend())
    except TaskkitError as error:
        report.backend = {"reachable": False}
        if not any(finding.what == str(error) for finding in report.problems):
            report.problems.append(Finding("configuration", str(error)))
    if "error" in report.backend:
        report.problems.append(Finding("backend", report.backend["error"]))
    return report


def _versions() -> dict[str, str]:
    return {
        "python": f"{platform.python_version()} ({sys.executable})",
        "taskkit": metadata.version(PACKAGE),
        **{one.name: one.version or "missing" for one in core()},
        "system": f"{platform.system()} {platform.machine()}",
    }


def _core_faults() -> Iterator[Finding]:
    for one in core():
        if not one.is_met:
            fault = one.fault or "it is not installed"
            yield Finding(
                one.name, f"{one.version or ''} {fault}.".strip(), f"pip install {PACKAGE}"
            )


# --- configuration ----------------------------------------------------------------------------------


def _settings(shared: Shared) -> Iterator[dict[str, str]]:
    said = config.origins()
    if shared.backend is not None:
        said["backend"] = "--backend"
    current = config.current()
    for one in fields(config.Config):
        if one.name != "root":
            text = _setting_text(one.name, getattr(current, one.name))
            yield {
                "name": one.name,
                "value": text,
                "from": place(said[one.name]) if one.name in said else "default",
            }


def _setting_text(name: str, value: Any) -> str:
    if name == "max_duration":
        return limit(value)
    if name == "retries":
        retry = value.default
        times = f"{limit(retry.min_timeout)} to {limit(retry.max_timeout)}"
        off = "" if value.enabled_in_dev else ", none in development"
        return f"{retry.max_attempts} attempts, {times}{off}"
    if value is None or value == ():
        return "none"
    text = ", ".join(value) if isinstance(value, tuple) else small(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # texts
    return without_password(text)


# --- backend ----------------------------------------------------------------------------------------


async def _backend() -> dict[str, Any]:
    """The configured backend, and whether it can be opened."""
    url = config.current().backend
    if url is None:
        return {"name": "none: `taskkit run` carries runs out in memory", "reachable": None}
    found: dict[str, Any] = {"name": without_password(url), "reachable": False}
    started = time.perf_counter()
    try:
        async with asyncio.timeout(_TIME_LIMIT):
            home = shared_home() or configured_home()
            async with reached(home):
                found["opened_in_ms"] = round((time.perf_counter() - started) * 1000, 1)
                found["workers"] = await _workers(home) if home.is_shared else None
    except TimeoutError:
        return {**found, "error": f"No answer within {_TIME_LIMIT:g} s."}
    except Exception as error:  # a driver may raise what it likes
        block = block_of(error)
        return {**found, "error": f"{block.what} {block.why}".strip()}
    return {**found, "reachable": True}


async def _workers(home: Home) -> int | None:
    if not isinstance(home.backend, SupportsWorkers):
        return None
    return sum(worker.alive for worker in await home.backend.list_workers())


# --- showing ----------------------------------------------------------------------------------------


def _data(report: Report) -> dict[str, Any]:
    return {
        "ok": not report.problems,
        "versions": report.versions,
        "extras": [
            {
                "name": extra.name,
                "installed": extra.is_installed,
                "requirements": [asdict(one) for one in extra.requirements],
                "install": None if extra.is_installed else extra.command,
            }
            for extra in report.extras
        ],
        "configuration": report.configuration,
        "backend": report.backend,
        "tasks": report.tasks,
        "problems": [asdict(finding) for finding in report.problems],
    }


def _show(report: Report) -> None:
    screen = console()
    _section(
        screen, "Versions", table(("name", "value"), report.versions.items(), broken=("value",))
    )
    _section(
        screen,
        "Extras",
        table(("name", "value"), map(_extra_row, report.extras), broken=("value",)),
    )
    settings = [(one["name"], one["value"], one["from"]) for one in report.configuration]
    _section(
        screen,
        "Configuration",
        table(("name", "value", "from"), settings, broken=("value", "from")),
    )
    _section(screen, "Backend", Text(_backend_text(report.backend)))
    listed = ", ".join(report.tasks) or "none: name a module with --app, or its folder in dirs"
    _section(screen, f"Tasks ({len(report.tasks)})", Text(listed))
    _show_problems(screen, report.problems)


def _section(screen: Console, title: str, body: Any) -> None:
    if hasattr(body, "show_header"):
        body.show_header = False
    screen.print(Text(title, style="bold"))
    screen.print(Padding(body, (0, 0, 1, 2), expand=False))


def _extra_row(extra: Extra) -> tuple[Text, Text]:
    state = Text("✓", style="green") if extra.is_installed else Text("·", style="dim")
    found = [f"{one.name} {one.version}" for one in extra.requirements if one.version]
    told = Text(", ".join(found))
    if found and not extra.is_installed:
        absent = [one.name for one in extra.requirements if one.version is None]
        faults = [f"{one.name}: {one.fault}" for one in extra.requirements if one.fault]
        parts = [f"no {', '.join(absent)}"] if absent else []
        told.append(f"; {'; '.join(parts + faults)}\n", style="yellow")
    if not extra.is_installed:
        told.append(extra.command, style="dim")
    return Text.assemble(state, " ", extra.name), told


def _backend_text(backend: dict[str, Any]) -> str:
    parts = [str(backend.get("name", "not known"))]
    if backend.get("reachable"):
        parts.append(f"opened in {backend.get('opened_in_ms')} ms")
    elif backend.get("reachable") is False:
        parts.append("not reachable")
    if backend.get("workers") is not None:
        parts.append(f"{backend['workers']} workers")
    return ", ".join(parts)


def _show_problems(screen: Console, problems: list[Finding]) -> None:
    if not problems:
        screen.print(Text("✓ No problems", style="bold green"))
        return
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    screen.print(Text(f"✗ {count}", style="bold red"))
    for finding in problems:
        head = Text(f"{clean(finding.where)}: " if finding.where else "", style="bold")
        screen.print(Padding(head.append(clean(finding.what), style="not bold"), (0, 0, 0, 2)))
        if finding.fix:
            screen.print(Padding(Text(clean(finding.fix), style="dim"), (0, 0, 0, 4)))
