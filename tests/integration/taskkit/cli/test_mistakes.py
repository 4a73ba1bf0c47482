"""What the command line says about mistakes; called in this process, which is quicker."""

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["run", "gree"], 2, ["There is no task 'gree'", "Did you mean 'greet'"]),
        (["run", "greet"], 2, ["needs a payload", "name (string), age (integer, optional)", "shop.py:"]),
        (["run", "greet", "--payload", '{"name": 1, "age": "x"}'], 2, [
            "does not fit its schema Person", "payload.name: Input should be a valid string (given 1)",
            "payload.age:",
        ]),
        (["run", "greet", "--payload", '{\n"name": "a",}'], 2, ["line 2, column 13", '"name": "a",}', "^"]),
        (["run", "greet", "--payload", ""], 2, ["empty"]),
        (["run", "greet", "--payload", "NaN"], 2, ["contains NaN"]),
        (["run", "greet", "--payload", "@no.json"], 2, ["no.json cannot be read", "No such file"]),
        (["run", "waits", "--payload", "1"], 2, ["takes no payload"]),
        (["run", "echo", "--payload", "1", "-O", "dealy=1s"], 2, ["Did you mean 'delay'?"]),
        (["run", "echo", "--payload", "1", "-O", "delay=soon"], 2, ["delay is 'soon'"]),
        (["run", "echo", "--payload", "1", "-O", "delay"], 2, ["has no value"]),
        (["run", "echo", "--payload", "1", "-O", "debounce=1"], 2, ["JSON object"]),
        (["run", "echo", "--paylod", "1"], 2, ["Did you mean --payload?", "taskkit run --help"]),
        (["rum"], 2, ['Did you mean "run"?']),
        (["run", "echo", "--app", "nothing_here"], 2, ["There is no module 'nothing_here'"]),
        (["run", "echo", "--app", "no/file.py"], 2, ["There is no file no/file.py"]),
        (["run", "echo", "--payload", "1", "--backend", "sqlit:///x"], 3, ["No backend is registered"]),
        (["run", "echo", "--payload", "1", "--backend", "nonsense"], 3, ["is not a URL"]),
        (["runs", "list"], 3, ["Runs in memory end with the process"]),
        (["runs", "show", "run_x"], 3, ["Runs in memory end with the process"]),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_one_block(call_cli, arguments: list[str], status: int, told) -> None:
    app = None if arguments == ["rum"] else "shop"
    done = call_cli(*arguments, app=app)
    assert (done.status, done.stdout) == (status, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert [text for text in told if text not in done.stderr] == []
    assert "Traceback" not in done.stderr


def test_errors_are_json_where_json_was_asked_for(call_cli) -> None:
    done = call_cli("run", "gree", "-o", "json")
    assert (done.status, done.stdout) == (2, "")
    assert json.loads(done.stderr)["error"]["message"] == "There is no task 'gree'."


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import not_there", ["other.py:1", "ModuleNotFoundError: No module named 'not_there'"]),
        ("def f(:", ["other.py:1", "SyntaxError"]),
        ("raise SystemExit(4)", ["other.py:1", "SystemExit: 4"]),
        ("from taskkit import task\n@task(id='a b')\ndef f(): ...", ["other.py:2", "'a b'"]),
    ],
)
def test_module_that_cannot_be_imported_is_told_with_its_line(
    call_cli, shop: Path, source: str, told: list[str]
) -> None:
    (shop / "other.py").write_text(source, encoding="utf-8")
    done = call_cli("run", "echo", "--payload", "1", app="other.py")
    assert done.status == 3, done.stderr
    assert [text for text in told if text not in done.stderr] == []
    assert "Traceback" not in done.stderr
