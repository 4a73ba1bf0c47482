"""`taskkit runs` and `taskkit run` on a backend that other processes serve."""

import json
import signal


def test_list_shows_newest_first_and_filters(call_cli, shelf: str) -> None:
    all_of_them = call_cli("runs", "list", "--backend", shelf)
    assert all_of_them.status == 0
    head, *rows = all_of_them.stdout.splitlines()
    assert head.split() == ["run", "task", "status", "try", "created", "took", "tags"]
    assert [row.split()[:3] for row in rows] == [
        ["run_open", "greet", "QUEUED"],
        ["run_bad", "greet", "FAILED"],
        ["run_good", "greet", "COMPLETED"],
    ]
    filtered = call_cli(
        "runs", "list", "--status", "FAILED", "--status", "COMPLETED", "--since", "1h",
        "--limit", "1", "-o", "json", "--backend", shelf,
    )  # fmt: skip
    assert [run["id"] for run in json.loads(filtered.stdout)] == ["run_bad"]


def test_list_refuses_a_status_that_is_none(call_cli, shelf: str) -> None:
    done = call_cli("runs", "list", "--status", "FAILD", "--backend", shelf)
    assert (done.status, done.stdout) == (2, "")
    assert "Did you mean FAILED?" in done.stderr


def test_show_tells_everything(call_cli, shelf: str) -> None:
    done = call_cli("runs", "show", "run_bad", "--backend", shelf)
    facts = [line.split() for line in done.stdout.splitlines()]
    assert done.status == 0
    assert ["status", "FAILED"] in facts
    assert ["tags", "vip"] in facts
    assert done.stdout.endswith("KeyError: lost\n")


def test_unknown_run_is_a_mistake_of_the_caller(call_cli, shelf: str) -> None:
    for verb in ("show", "tail", "logs", "cancel"):
        done = call_cli("runs", verb, "run_none", "--backend", shelf)
        assert (done.status, done.stdout) == (2, "")
        assert "'run_none'" in done.stderr


def test_cancel_ends_what_is_open_and_leaves_what_is_over(call_cli, shelf: str) -> None:
    done = call_cli("runs", "cancel", "run_open", "run_good", "--backend", shelf)
    assert done.status == 0
    assert done.stdout.splitlines() == ["run_open  CANCELED", "run_good  COMPLETED"]


def test_logs_prints_what_was_logged(call_cli, shelf: str) -> None:
    done = call_cli("runs", "logs", "run_good", "--backend", shelf)
    assert done.status == 0
    assert done.stdout.endswith("  warn  end of run_good  n=1\n")
    [record] = json.loads(
        call_cli("runs", "logs", "run_bad", "-o", "json", "--backend", shelf).stdout
    )
    assert (record["position"], record["message"]) == (1, "end of run_bad")


def test_tail_ends_as_the_run_does(call_cli, shelf: str) -> None:
    good = call_cli("runs", "tail", "run_good", "--backend", shelf)
    assert good.status == 0
    assert "end of run_good" in good.stdout
    assert good.stdout.endswith('{\n  "hello": "Ada"\n}\n')
    assert call_cli("runs", "tail", "run_bad", "--backend", shelf).status == 1


def test_interrupt_leaves_a_run_that_others_carry_out(start_cli, shelf: str) -> None:
    command = start_cli("echo", "--payload", "1", "--backend", shelf)
    command.send_signal(signal.SIGINT)
    status, stdout, stderr = command.ended()
    assert (status, stdout) == (130, "")
    assert "goes on. Stop it with: taskkit runs cancel run_" in stderr


def test_unknown_task_is_refused_where_no_worker_knows_it(call_cli, shelf: str) -> None:
    done = call_cli("run", "ecco", "--payload", "1", "--backend", shelf)
    assert done.status == 2
    assert "Did you mean 'echo'?" in done.stderr


def test_backend_that_cannot_be_reached_is_trouble(call_cli, shelf: str) -> None:
    done = call_cli("runs", "list", "--backend", "shelf://down")
    assert (done.status, done.stdout) == (3, "")
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
