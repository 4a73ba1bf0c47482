"""A payload codec of the user's: what the server keeps is encrypted, and every run comes back as it was."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from taskkit import metadata, task, wait
from taskkit.model.run import RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadCodec

from taskkit.backends.temporal import TemporalBackend  # needs it

pytestmark = pytest.mark.anyio
SECRET = "pl41nt3xt"
WITHIN = 30.0


class Encrypting(PayloadCodec):
    def __init__(self) -> None:
        self._fernet = Fernet(Fernet.generate_key())

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(
                metadata={"encoding": b"binary/encrypted"},
                data=self._fernet.encrypt(payload.SerializeToString()),
            )
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(self._fernet.decrypt(payload.data)) for payload in payloads]


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    with own_tasks():
        yield


async def everything_kept(backend: TemporalBackend, run_id: str) -> bytes:
    """All that the server has of a run or token, but for its id."""
    handle = backend.client.get_workflow_handle(run_id)
    description = await handle.describe()
    kept = description.raw_description.SerializeToString()
    async for event in handle.fetch_history_events():
        kept += event.SerializeToString()
    return kept


@pytest.mark.parametrize("length", [10, 20_000])
async def test_the_server_keeps_nothing_that_it_could_read(temporal_url: str, length: int) -> None:
    converter = replace(DataConverter.default, payload_codec=Encrypting())
    backend = TemporalBackend.from_url(temporal_url, data_converter=converter)

    @task
    async def child(text: str) -> str:
        return text

    @task(id="parent", retry=None)
    async def parent(text: str) -> str:
        metadata.set("said", text)
        token = await wait.create_token(tags=["told"])
        metadata.set("token", token.id)
        answered = (await child.trigger_and_wait(text)).unwrap()
        completed = await wait.for_token(token)
        if completed.output != text:
            raise ValueError(text)
        return answered

    text = SECRET * (length // len(SECRET))
    home = Home(lambda: backend, name="temporal")
    async with Worker(home, "production", drain=0):
        handle = await parent.trigger(text, metadata={"given": text})
        run = await handle.retrieve()
        while run.status is not RunStatus.WAITING or "token" not in run.metadata:
            await asyncio.sleep(0)
            run = await handle.retrieve()
        assert run.payload == text
        await wait.complete_token(run.metadata["token"], text)
        result = await handle.result(timeout=WITHIN)
        run = await handle.retrieve()
        failed = await parent.trigger("other " + SECRET)
        told = await failed.retrieve()
        while "token" not in told.metadata:
            told = await failed.retrieve()
        await wait.complete_token(told.metadata["token"], SECRET)
        failure = await failed.result(timeout=WITHIN)
        await failed.cancel(f"because of {SECRET}")
        kept = [
            await everything_kept(backend, one)
            for one in (handle.id, failed.id, run.metadata["token"])
        ]
    assert result.unwrap() == text
    assert (run.metadata["given"], run.metadata["said"]) == (text, text)
    assert failure.error is not None
    assert SECRET in failure.error.message
    for one in kept:
        assert b"binary/encrypted" in one
        assert SECRET.encode() not in one
    assert (
        b"parent" in kept[0]
    )  # the task's id is a search attribute, which Temporal never encrypts
