"""The rules of AGENTS.md that a machine can check, read from the source text."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 400
FUNCTION_LINES = 60
FUNCTION_LINES_P90 = 30
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager"}
BARE_ERRORS = {"Exception", "ValueError", "RuntimeError"}
SLEEPERS = {"time", "asyncio", "anyio"}
SLEEP_CALLS = {f"{module}.sleep" for module in SLEEPERS}
WITHOUT_SLEEP = ("tests/unit", "tests/conformance", "tests/property")
# written in pieces, or this file would break its own rule
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:ro{}ot/|wo{}rk/|ho{}me/\w|Us{}ers/\w)".replace("{}", ""))
SUPPRESSION = re.compile(
    r"#\s*(?:type:\s*ignore|pyright:\s*ignore|noqa|pragma:\s*no\s*(?:cover|branch))"
    r"(?:\s*[:\[]?\s*[A-Za-z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w\s,-]*\])?"
)
REASON = re.compile(r"[A-Za-z]{3,}")

Rule = Callable[[str], Iterator[str]]


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def broken_in(rule: Rule, paths: list[Path]) -> list[str]:
    """Each place where the rule is broken, as `file:line: what`."""
    return [
        f"{path.relative_to(ROOT)}:{place}"
        for path in paths
        for place in rule(path.read_text(encoding="utf-8", errors="replace"))
    ]


def functions(source: str) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def long_files(source: str) -> Iterator[str]:
    lines = len(source.splitlines())
    if lines >= FILE_LINES:
        yield f"1: {lines} lines, and {FILE_LINES - 1} are the most"


def long_functions(source: str) -> Iterator[str]:
    for node, lines in functions(source):
        if lines > FUNCTION_LINES:
            yield f"{node.lineno}: {node.name} has {lines} lines, and {FUNCTION_LINES} are the most"


def bare_errors(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(raised, ast.Name) and raised.id in BARE_ERRORS:
                yield f"{node.lineno}: raises a bare {raised.id}; taskkit.errors has a type that says more"


def prints(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            yield f"{node.lineno}: a library never prints; use logging"


def sleeps(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.module in SLEEPERS and "sleep" in {name.name for name in node.names}:
                yield f"{node.lineno}: write {node.module}.sleep, so that this rule sees its argument"
        elif isinstance(node, ast.Call):
            arguments = [ast.unparse(argument) for argument in node.args]
            if ast.unparse(node.func) in SLEEP_CALLS and arguments not in (["0"], ["0.0"]):
                yield f"{node.lineno}: sleeps; wait for what happens, or move a FakeClock"


def silent_suppressions(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or not SUPPRESSION.search(token.string):
            continue
        if not REASON.search(SUPPRESSION.sub("", token.string)):
            yield f"{token.start[0]}: {token.string} gives no reason"


def machine_paths(source: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), start=1):
        if found := MACHINE_PATH.search(line):
            yield f"{number}: {found.group()} is a path of one machine"


def test_files_are_short() -> None:
    assert broken_in(long_files, python_files("src")) == []


def test_functions_are_short() -> None:
    assert broken_in(long_functions, python_files("src")) == []


@pytest.mark.parametrize("package", ["taskkit", "buster_tasks"])
def test_most_functions_are_far_shorter(package: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in python_files(f"src/{package}")]
    lengths = [lines for source in sources for _, lines in functions(source)]
    if len(lengths) >= 10:
        assert quantiles(lengths, n=10)[-1] < FUNCTION_LINES_P90


def test_modules_have_telling_names() -> None:
    vague = [path for path in (ROOT / "src").rglob("*") if path.stem in VAGUE_NAMES]
    assert vague == []


def test_taskkit_raises_its_own_errors() -> None:
    assert broken_in(bare_errors, python_files("src/taskkit")) == []


def test_only_commands_print() -> None:
    commands = {"cli", "eval"}
    library = [
        path for path in python_files("src") if not commands & {*path.relative_to(ROOT).parts}
    ]
    assert broken_in(prints, library) == []


def test_fast_tests_do_not_sleep() -> None:
    assert broken_in(sleeps, python_files(*WITHOUT_SLEEP)) == []


def test_suppressions_give_a_reason() -> None:
    paths = python_files("src", "tests", "examples", "benchmarks")
    assert broken_in(silent_suppressions, [path for path in paths if path != Path(__file__)]) == []


def test_no_path_of_one_machine_is_written_down() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    text = {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".sh", ".js", ".html", ".sql", ""}
    paths = [ROOT / name for name in tracked if name and Path(name).suffix in text]
    assert broken_in(machine_paths, [path for path in paths if path.is_file()]) == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (long_files, "x = 1\n" * FILE_LINES),
        (long_functions, "async def f():\n" + "    x = 1\n" * FUNCTION_LINES),
        (bare_errors, "raise ValueError('no')"),
        (bare_errors, "raise Exception"),
        (prints, "print('x')"),
        (sleeps, "async def f(): await anyio.sleep(0.1)"),
        (sleeps, "time.sleep(delay)"),
        (sleeps, "from asyncio import sleep"),
        (silent_suppressions, "x = 1  # noqa: E501"),
        (silent_suppressions, "x = 1  # type: ignore[arg-type]"),
        (silent_suppressions, "x = 1  # pragma: no cover"),
        (machine_paths, "see /" + "home/somebody/notes"),
    ],
)
def test_a_rule_sees_what_breaks_it(rule: Rule, source: str) -> None:
    assert list(rule(source)) != []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (long_files, "x = 1\n" * (FILE_LINES - 1)),
        (long_functions, "def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1)),
        (bare_errors, "raise BackendError('no')\ntry: ...\nexcept KeyError: raise"),
        (prints, "log.info('print(x)')"),
        (
            sleeps,
            "async def f(): await asyncio.sleep(0); await clock.sleep(5); await anyio.sleep_forever()",
        ),
        (silent_suppressions, "x = 1  # noqa: S608 table names are ours"),
        (silent_suppressions, "x = 1  # type: ignore[arg-type, misc]  # a wrong call, on purpose"),
        (silent_suppressions, "x = 1  # an ordinary remark"),
        (machine_paths, "sqlite:///runs.db, http://host/homes"),
    ],
)
def test_a_rule_lets_the_rest_pass(rule: Rule, source: str) -> None:
    assert list(rule(source)) == []
