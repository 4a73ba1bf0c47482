"""Where the server is: what a URL says."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from taskkit.errors import InvalidConfigError

_PORT = 7233
_NAME = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a server, and the project that keeps its runs apart from others there.

    `lease` is how many seconds a worker may be silent before its runs are delivered again.
    """

    host: str
    port: int
    namespace: str = "default"
    project: str = "taskkit"
    lease: float = 30.0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def shown(self) -> str:
        return f"temporal://{self.address}/{self.namespace}"

    @property
    def flow_queue(self) -> str:
        """The task queue of the workflows, which any worker of the project carries on."""
        return f"{self.project}/runs"

    @property
    def token_queue(self) -> str:
        """The task queue of the workflows that are tokens, which nobody polls."""
        return f"{self.project}/tokens"

    def task_queue(self, queue: str) -> str:
        """The task queue on which the deliveries of a queue's runs wait for a worker."""
        return f"{self.project}/queue/{queue}"

    def own_queue(self, worker: str) -> str:
        """The task queue that only this worker polls, for what it has parked."""
        return f"{self.project}/worker/{worker}"


def place_of(url: str) -> Place:
    """`temporal://host:7233/namespace?project=name&lease=30`. InvalidConfigError for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError as error:
        raise _not_understood(url, str(error)) from None
    given = parse_qs(parts.query, keep_blank_values=True)
    project = given.pop("project", ["taskkit"])[-1]
    lease = _seconds(given.pop("lease", ["30"])[-1])
    if not parts.hostname or parts.username or parts.password:
        raise _not_understood(url, "it has to name a host, and no user")
    if given:
        raise _not_understood(url, f"{min(given)!r} is no option of it")
    if lease is None or not _NAME.fullmatch(project):
        raise _not_understood(url, "project is a name, lease a number of seconds of at least 1")
    namespace = unquote(parts.path.strip("/")) or "default"
    return Place(parts.hostname, port, namespace, project, lease)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 1 else None


def _not_understood(url: str, why: str) -> InvalidConfigError:
    return InvalidConfigError(
        f"The backend URL {url!r} is not understood: {why}. Write temporal://host:7233/namespace, with "
        f"?project=<name> to keep projects apart and &lease=<seconds> for how long a worker may be silent."
    )
