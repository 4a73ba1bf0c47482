"""The blocking side of a BigQuery source: one client, used by one thread, that reads and nothing else."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import requests
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.api_core.retry import Retry
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import bigquery

from buster_tasks.errors import ConnectionFailedError, QueryFailedError, SourceError
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.bigquery.endpoint import endpoint_of
from buster_tasks.sources.bigquery.failures import no_project, typed_error
from buster_tasks.sources.bigquery.login import login
from buster_tasks.sources.bigquery.reading_only import refuse_all_but_reading, refuse_writes
from buster_tasks.sources.bigquery.values import converted, converters, type_name
from buster_tasks.sources.bigquery.wire import Wire
from buster_tasks.sources.blocking import Budget, OneAtATime
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.credentials import BigqueryCredentials
from buster_tasks.sources.network import check_url

T = TypeVar("T")
Row = dict[str, Any]
Parameters = Mapping[str, str | Sequence[str]]

LABELS = {"application": "buster-tasks"}
"""What our jobs are marked with in the project's history and bill."""

_CANCEL_SECONDS = 3.0
_RETRY_SECONDS = 15.0
_MOST_MISSES = 5
_PAGE = 20_000


class Dataset(NamedTuple):
    """A dataset and where it is, as BigQuery spells it, such as `US` or `europe-west1`."""

    name: str
    location: str


class _Job(NamedTuple):
    """What is being carried out in BigQuery."""

    id: str
    location: str | None


class BigquerySession:
    """A client that only reads. All but `interrupt` and `abandon` belongs to one thread.

    `statements` counts what was asked of the service: jobs and lists, without dry runs.
    """

    def __init__(self, credentials: BigqueryCredentials) -> None:
        self._credentials = credentials
        self._wire, self._other_wire = Wire(), Wire()
        self._client: Any = None
        self._login: Any = None
        self._job: _Job | None = None
        self._misses = 0
        self._is_working = False
        self._stopper = OneAtATime(self._stop, "bigquery-stop")
        self.statements = 0

    def open(self, budget: Budget) -> None:
        """Log in, and see whether jobs may be run; does nothing when that was done. Raises SourceError."""
        if self._client is not None:
            return
        endpoint = endpoint_of(self._credentials)
        check_url(endpoint)
        session = _http(self._wire)
        with self._within(budget):
            self._login = login(self._credentials, Request(session))
            self._client = self._made(endpoint, self._wire, session)
        try:
            self._dry_run("SELECT 1", budget)
        except SourceError as error:
            self.close()
            raise no_project(self._credentials.project_id, error) from error

    def close(self) -> None:
        """End all connections."""
        self._stopper.join(_CANCEL_SECONDS)
        client, self._client, self._login = self._client, None, None
        if client is not None:
            client.close()
        self._wire.close()
        self._other_wire.close()

    def interrupt(self) -> None:
        """Stop the job that runs now, from any thread."""
        self._stopper()

    def abandon(self) -> None:
        """Break all connections, from any thread and without asking the service."""
        self._wire.cut()
        self._other_wire.cut()

    def datasets(self, budget: Budget) -> list[Dataset]:
        """All that we may see, by name. Raises SourceError."""
        client = self._opened()
        self.statements += 1
        with self._within(budget) as retry:
            listed = list(client.list_datasets(retry=retry))
            return sorted(Dataset(item.dataset_id, self._location(item, retry)) for item in listed)

    def rows(
        self, sql: str, parameters: Parameters, location: str | None, budget: Budget
    ) -> list[Row]:
        """All rows of one of our own statements, by column. Raises SourceError."""
        bound = [_bound(name, value) for name, value in parameters.items()]
        config = bigquery.QueryJobConfig(query_parameters=bound, labels=LABELS)
        found = self._run(sql, config, location, budget, lambda job, retry: job.result(
            page_size=_PAGE, retry=retry, job_retry=None))  # fmt: skip
        return [dict(row) for row in found[1]]

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        refuse_writes(sql)
        trial = self._dry_run(sql, budget)
        refuse_all_but_reading(trial.statement_type)
        self._refuse_dear(trial.total_bytes_processed)
        config = self._config(job_timeout_ms=_milliseconds(budget))
        location = trial.location or self._credentials.location
        most = max_rows + 1
        found = Collected(max_rows, max_bytes, page=1)
        schema, _rows = self._run(sql, config, location, budget, lambda job, retry: job.result(
            page_size=min(most, _PAGE), max_results=most, retry=retry, job_retry=None), found)  # fmt: skip
        return found.result([QueryColumn(field.name, type_name(field)) for field in schema])

    def _made(self, endpoint: str, wire: Wire, asking: requests.Session) -> Any:
        http = AuthorizedSession(self._login, auth_request=Request(asking))  # type: ignore[no-untyped-call]  # no types there
        http.mount("https://", wire)
        http.mount("http://", wire)
        return bigquery.Client(
            project=self._credentials.project_id,
            credentials=self._login,
            location=self._credentials.location,
            client_options=ClientOptions(api_endpoint=endpoint),
            _http=http,
        )

    def _config(self, **more: Any) -> Any:
        config = bigquery.QueryJobConfig(labels=LABELS, **more)
        if self._credentials.default_dataset is not None:
            project, _dot, dataset = self._credentials.default_dataset.rpartition(".")
            config.default_dataset = bigquery.DatasetReference(
                project or self._credentials.project_id, dataset
            )
        if self._credentials.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = self._credentials.maximum_bytes_billed
        return config

    def _dry_run(self, sql: str, budget: Budget) -> Any:
        """The statement as a job that is not carried out: what it is, and how many bytes it would read."""
        client = self._opened()
        with self._within(budget) as retry:
            return client.query(
                sql,
                job_config=self._config(dry_run=True, use_query_cache=False),
                retry=retry,
                job_retry=None,
            )

    def _refuse_dear(self, size: int | None) -> None:
        most = self._credentials.maximum_bytes_billed
        if most is not None and size is not None and size > most:
            raise QueryFailedError(
                f"The statement would read {size:,} bytes, and maximum_bytes_billed is {most:,}.",
                fix="Read fewer columns or partitions, or raise maximum_bytes_billed.",
            )

    def _run(
        self,
        sql: str,
        config: Any,
        location: str | None,
        budget: Budget,
        fetch: Callable[[Any, Retry], Any],
        kept: Collected | None = None,
    ) -> tuple[Any, list[Any]]:
        """The schema of a statement and its rows, unless they are collected; a job that nobody waits for is stopped."""
        client = self._opened()
        self.statements += 1
        job_id = f"buster-{uuid.uuid4()}"
        with self._within(budget) as retry:
            self._misses, self._job = 0, _Job(job_id, location)
            try:
                job = client.query(
                    sql,
                    job_config=config,
                    job_id=job_id,
                    location=location,
                    retry=retry,
                    job_retry=None,
                )
                self._job = _Job(job_id, job.location or location)
                found = fetch(job, retry)
                rows = list(found) if kept is None else _collect(found, kept)
            except GoogleAPICallError:
                if budget.is_spent:
                    self._stopper()
                raise
            except BaseException:
                self._stopper()
                raise
            self._job = None
            return found.schema, rows

    @contextlib.contextmanager
    def _within(self, budget: Budget) -> Generator[Retry]:
        """The client's own retries for the time of one call; its errors become ours, or the budget's."""
        self._stopper.join(_CANCEL_SECONDS)  # else it might break the connection of this call
        if budget.is_spent:
            raise budget.error()
        self._wire.budget, self._is_working = budget, True
        try:
            yield _retry(budget)
        except Exception as error:
            if budget.is_spent:
                raise budget.error() from error
            host, port = _place(self._credentials)
            typed = typed_error(error, host, port)
            if typed is error:
                raise
            raise typed from error
        finally:
            self._is_working = False

    def _stop(self) -> None:
        """Cancel the job and break the connection that waits for it; while its job is unknown it is asked again."""
        job = self._job
        if job is not None and self._login is not None and not self._is_canceled(job):
            self._misses += 1
            if self._misses < _MOST_MISSES:
                return
        if self._is_working:
            self._wire.cut()

    def _is_canceled(self, job: _Job) -> bool:
        """Whether nothing of it goes on; so it is taken to be when the service cannot be asked."""
        self._other_wire.budget = Budget(_CANCEL_SECONDS)
        asking = _http(self._other_wire)
        client = self._made(endpoint_of(self._credentials), self._other_wire, asking)
        try:
            client.cancel_job(job.id, location=job.location, retry=None, timeout=_CANCEL_SECONDS)
        except NotFound:
            return False
        except Exception:  # whatever it is: the connection is broken next, and the call ends
            return True
        finally:
            client.close()
        return True

    def _location(self, item: Any, retry: Retry) -> str:
        # The list has it, but the client gives no name to it.
        told = item._properties.get("location")  # pyright: ignore[reportPrivateUsage]  # it has no name
        if told is None:
            told = self._opened().get_dataset(item.reference, retry=retry).location
        return str(told)

    def _opened(self) -> Any:
        if self._client is None:
            raise ConnectionFailedError(
                "The source is closed.", fix="Connect again.", transient=False
            )
        return self._client


def _http(wire: Wire) -> requests.Session:
    """What asks for tokens, under the same limits."""
    session = requests.Session()
    session.mount("https://", wire)
    session.mount("http://", wire)
    return session


def _collect(found: Any, kept: Collected) -> list[Any]:
    """Take rows as they come, page by page over the network, until no more are wanted."""
    made = converters(found.schema)
    for row in found:
        kept.take([converted(row.values(), made)])
        if kept.truncated:
            break
    return []


def _retry(budget: Budget) -> Retry:
    """As the client tries again by itself, but quicker, and no longer than anybody waits."""
    left = budget.left()
    usual = bigquery.DEFAULT_RETRY._predicate  # pyright: ignore[reportPrivateUsage]  # it has no other name
    return Retry(
        predicate=lambda error: not budget.is_spent and usual(error),
        initial=0.1,
        maximum=1.0,
        timeout=_RETRY_SECONDS if left is None else min(left, _RETRY_SECONDS),
    )


def _bound(name: str, value: str | Sequence[str]) -> Any:
    if isinstance(value, str):
        return bigquery.ScalarQueryParameter(name, "STRING", value)
    return bigquery.ArrayQueryParameter(name, "STRING", list(value))


def _milliseconds(budget: Budget) -> int | None:
    left = budget.left()
    return None if left is None else max(1, round(left * 1000))


def _place(credentials: BigqueryCredentials) -> tuple[str, int]:
    parts = urlsplit(endpoint_of(credentials))
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
