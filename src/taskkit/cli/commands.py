"""The verbs of the command line, put together."""

from __future__ import annotations

from importlib import metadata

from cyclopts import App, Parameter

from taskkit.cli import db, doctor, queues, run, runs, schedules, secret_keys, tasks, worker

_HELP = """Run tasks, and look at their runs.

For example:

    taskkit tasks --app shop/tasks.py
    taskkit run greet --payload '{"name": "Ada"}' --follow
    taskkit worker --backend sqlite:///runs.db
    taskkit runs list --status FAILED --since 1d
    taskkit doctor
"""


def version() -> str:
    """The version of the installed package."""
    return f"taskkit {metadata.version('buster-tasks')}"


def make_app() -> App:
    """The application; parses, and prints help and version by itself."""
    app = App(
        name="taskkit",
        help=_HELP,
        version=version,
        default_parameter=Parameter(negative=(), show_default=False),
    )
    app.command(run.run)
    app.command(worker.worker)
    app.command(tasks.tasks)
    of_runs = App(name="runs", help="List, show, cancel, replay and follow runs.")
    of_runs.command(runs.list_runs, name="list")
    of_runs.command(runs.show)
    of_runs.command(runs.cancel)
    of_runs.command(runs.replay)
    of_runs.command(runs.tail)
    of_runs.command(runs.logs)
    app.command(of_runs)
    app.command(schedules.schedules)
    app.command(queues.queues)
    of_db = App(name="db", help="Look after the store that keeps runs.")
    of_db.command(db.status)
    of_db.command(db.upgrade)
    of_db.command(db.purge)
    app.command(of_db)
    of_secrets = App(name="secrets", help="Make keys that seal the secrets of payloads.")
    of_secrets.command(secret_keys.new_key)
    app.command(of_secrets)
    app.command(doctor.doctor)
    return app
