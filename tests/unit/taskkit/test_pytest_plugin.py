"""The pytest plugin: there for every project, and taskkit is loaded only where it is used."""

import pytest

pytest_plugins = ["pytester"]

_ANYIO = """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(_ANYIO)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def test_its_fixtures_run_tasks_in_memory(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        import taskkit
        from taskkit import task, wait

        pytestmark = pytest.mark.anyio

        @task()
        async def double(number: int) -> int:
            return 2 * number

        @task()
        async def later() -> str:
            await wait.sleep("1h")
            return "later"

        async def test_local(taskkit_local):
            handle = await double.trigger(4)
            assert (await handle.result()).unwrap() == 8
            await taskkit_local.idle()

        async def test_a_fresh_one_for_each_test(taskkit_local):
            assert [run async for run in taskkit.runs.list()] == []

        async def test_clock(taskkit_clock):
            async with taskkit.local(clock=taskkit_clock):
                handle = await later.trigger()
                await taskkit_clock.advance("1h")
                assert (await handle.result()).unwrap() == "later"

        async def test_nothing_is_left_open():
            with pytest.raises(taskkit.errors.BackendNotConfiguredError):
                await double.trigger(1)
        """
    )
    project.runpytest_subprocess("-q").assert_outcomes(passed=4)


def test_who_does_not_use_it_does_not_load_taskkit(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_nothing_of_taskkit_is_loaded():
            loaded = {name.partition(".")[0] for name in sys.modules}
            assert "taskkit_pytest" in loaded
            assert not loaded & {"taskkit", "pydantic", "opentelemetry", "sqlalchemy"}
        """
    )
    project.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_its_fixtures_tell_what_they_are_for(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--fixtures", "-q")
    result.stdout.fnmatch_lines(
        [
            "*taskkit_local*",
            "*`taskkit.local()` for the length of a test: triggers run in memory*",
            "*taskkit_clock*",
            "*A clock that a test moves*",
        ]
    )
