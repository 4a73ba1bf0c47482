"""All that a data source leaves to be read, so that a test can look for a secret in it."""

import base64
import json
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

import taskkit
from buster_tasks import introspect_data
from buster_tasks.errors import SourceError
from buster_tasks.introspection.models import IntrospectDataOutput
from buster_tasks.sources import connect
from buster_tasks.sources.credentials import parse_credentials
from taskkit import runs

WRONG_SQL = "SELECT nothing FROM nowhere_at_all"


class Footprint:
    """What a task and a plain source of the same credentials wrote, logged, printed, raised and show of themselves."""

    def __init__(
        self, folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self._folder, self._caplog, self._capfd = folder, caplog, capfd
        self._texts: list[str] = []

    async def of(self, credentials: dict[str, Any]) -> IntrospectDataOutput:
        """The task's output, after all of it was looked at; the same credentials run one wrong statement too."""
        with everything_logged(self._caplog):
            async with self._run(credentials) as output:
                pass
            await self._plain(credentials)
        for file in sorted(self._folder.glob("*.db*")):
            self._texts.append(file.read_bytes().decode("latin-1"))
        for record in self._caplog.records:
            self._texts.append(f"{record.getMessage()} {record.__dict__!r}")
        self._texts += [self._caplog.text, *self._capfd.readouterr()]
        return output

    def found(self, *secrets: str) -> list[str]:
        """Where one of the secrets stands in it, in any of the forms that libraries give a text."""
        forms = [form for secret in secrets for form in forms_of(secret)]
        return [
            f"{form!r}: ...{text[max(0, text.index(form) - 100) :][:300]!r}"
            for text in self._texts
            for form in forms
            if form in text
        ]

    @asynccontextmanager
    async def _run(self, credentials: dict[str, Any]) -> AsyncIterator[IntrospectDataOutput]:
        store = f"sqlite:///{self._folder / 'runs.db'}"
        payload: Any = {"dataSourceName": "shop", "credentials": credentials}
        async with taskkit.worker(store):
            handle = await introspect_data.trigger(payload, max_attempts=1)
            result = await handle.result()
            run = await handle.retrieve()
            entries = [entry.data async for entry in runs.logs(handle.id)]
            stacks = [one.error and (one.error, one.error.stack) for one in run.attempts]
            seen = (
                handle,
                result,
                run,
                run.request,
                run.payload,
                run.metadata,
                run.tags,
                entries,
                stacks,
            )
            self._texts += [f"{one!r}{one}" for one in seen]
            self._texts += [result._repr_html_(), run._repr_html_()]
            output = result.unwrap()
            self._texts.append(output.model_dump_json())
            for file in sorted(self._folder.glob("*.db*")):  # while its newest pages are beside it
                self._texts.append(file.read_bytes().decode("latin-1"))
            yield output

    async def _plain(self, credentials: dict[str, Any]) -> None:
        known = parse_credentials(credentials)
        source = connect(known)
        for call in (
            source.open,
            source.test,
            lambda: source.execute(WRONG_SQL),
            source.introspect,
        ):
            try:
                self._texts.append(repr(await call()))
            except SourceError as error:
                self._texts += ["".join(traceback.format_exception(error)), *told(error)]
        self._texts += [
            f"{one!r}{one}" for one in (known, source, known.model_dump(), vars(source))
        ]
        await source.close()


def told(error: BaseException) -> Iterator[str]:
    """The texts of an error and of all behind it, shown or not; libraries make circles of them."""
    seen: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen[id(one)] = one
            yield f"{one} {one!r} {one.args!r} {one.__dict__!r}"
            waiting += [one.__cause__, one.__context__]


def forms_of(secret: str) -> list[str]:
    """The secret as it is, quoted in several ways, and in base64 wherever it may begin."""
    data = secret.encode()
    coded = [base64.b64encode(b"\0" * at + data).decode().rstrip("=")[4:-4] for at in range(3)]
    plain = [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
    ]
    wide = secret.encode("utf-16-le").decode("latin-1")
    return list(dict.fromkeys([*plain, wide, *(one for one in coded if len(one) > 8)]))


@contextmanager
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """In this block each logger tells what it knows to caplog, also those that keep it to themselves."""
    caplog.set_level(logging.DEBUG)
    known = [
        one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)
    ]
    levels = {logger: logger.level for logger in known}
    apart = [logger for logger in known if not logger.propagate]
    for logger in known:
        logger.setLevel(logging.DEBUG)
    for logger in apart:
        logger.addHandler(caplog.handler)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
        for logger in apart:
            logger.removeHandler(caplog.handler)
