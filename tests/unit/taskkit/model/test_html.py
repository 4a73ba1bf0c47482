"""What a notebook shows of runs."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

import taskkit
from taskkit import AbortTaskRunError, RunStatus, task
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def text_of(html: str) -> str:
    """All the text of a fragment, which must be well formed."""
    return " ".join("".join(ET.fromstring(html).itertext()).split())


@pytest.mark.anyio
async def test_a_result_shows_task_status_and_output() -> None:
    @task(id="sum")
    async def add(numbers: list[int]) -> int:
        return sum(numbers)

    async with taskkit.local():
        handle = await add.trigger([1, 2])
        result = await handle.result()
        run = await handle.retrieve()
    assert text_of(result._repr_html_()) == f"sum COMPLETED {result.id}output3"
    shown = text_of(run._repr_html_())
    assert "payload[1,2]" in shown
    assert "attempt1" in shown
    assert "error" not in shown


@pytest.mark.anyio
async def test_a_failure_shows_its_error_and_the_stack_folded() -> None:
    @task(id="refuse")
    async def refuse() -> None:
        raise AbortTaskRunError("<b>closed</b> & locked")

    async with taskkit.local():
        result = await (await refuse.trigger()).result()
    html = result._repr_html_()
    assert "&lt;b&gt;closed&lt;/b&gt; &amp; locked" in html
    assert "<details>" in html
    assert "errorAbortTaskRunError: <b>closed</b> & locked" in text_of(html)


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_can_be_shown(status: RunStatus) -> None:
    request = TriggerRequest("run_1", "t", b'"<script>"', "task/t")
    run = Run(request, status, NOW, NOW, NOW, tags=("a", "<b>"))
    html = run._repr_html_()
    assert "<script>" not in html
    assert f"t {status} run_1" in text_of(html)


def test_a_long_value_is_cut() -> None:
    request = TriggerRequest("run_1", "t", b'"' + b"x" * 5000 + b'"', "task/t")
    shown = text_of(Run(request, RunStatus.QUEUED, NOW, NOW, NOW)._repr_html_())
    assert "(5,000 characters)" in shown
    assert len(shown) < 1000
