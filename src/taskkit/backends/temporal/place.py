"""Where the server is: what a URL says."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from taskkit.backends.temporal.record import on_machine
from taskkit.errors import InvalidConfigError

_PORT = 7233
_NAME = re.compile(r"[\w.-]{1,100}")
_SECRETS = re.compile(
    r"(?i)(?<=//)[^/@?]*(?=@)|(?<=[?&])([\w-]+key|[\w-]*(?:password|token|secret))=[^&]*"
)
_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Tls:
    """What a URL says of TLS: `is_on` is None where it leaves that open, the files are paths."""

    is_on: bool | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    server_name: str | None = None

    @property
    def has_details(self) -> bool:
        return any((self.ca, self.cert, self.key, self.server_name))


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a server, and the project that keeps its runs apart from others there.

    `lease` is how many seconds a worker may be silent before its runs are delivered again. There is no secret in it:
    an API key comes from the environment, and is read when the connection is made.
    """

    host: str
    port: int
    namespace: str = "default"
    project: str = "taskkit"
    lease: float = 30.0
    tls: Tls = Tls()

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

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

    @property
    def entry_queue(self) -> str:
        """The task queue of the workflows whose histories are the logs of runs, which nobody polls."""
        return f"{self.project}/entries"

    @property
    def tag_queue(self) -> str:
        """The task queue of the workflows that make runs be listed by added tags, which nobody polls."""
        return f"{self.project}/tags"

    @property
    def machine_queue(self) -> str:
        """The workflow that says which machines runs have asked for, and its task queue, which nobody polls."""
        return f"{self.project}/machines"

    def task_queue(self, queue: str, machine: str | None = None) -> str:
        """The task queue on which the deliveries of a queue's runs wait for a worker, or for one of a machine."""
        return on_machine(f"{self.project}/queue/{queue}", machine)

    def own_queue(self, worker: str) -> str:
        """The task queue that only this worker polls, for what it has parked."""
        return f"{self.project}/worker/{worker}"


def place_of(url: str) -> Place:
    """`temporal://host:7233/namespace?project=name&lease=30&tls=true`. InvalidConfigError for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError as error:
        raise _not_understood(url, str(error)) from None
    given = {
        name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
    }
    if not parts.hostname or parts.username or parts.password:
        raise _not_understood(url, "it has to name a host, and no user")
    if "api_key" in given:
        raise _not_understood(url, "an API key does not belong into it. Set TEMPORAL_API_KEY")
    project, lease = given.pop("project", "taskkit"), _seconds(given.pop("lease", "30"))
    tls = _tls(url, given)
    if given:
        raise _not_understood(url, f"{min(given)!r} is no option of it")
    if lease is None or not _NAME.fullmatch(project):
        raise _not_understood(url, "project is a name, lease a number of seconds of at least 1")
    namespace = unquote(parts.path.strip("/")) or "default"
    return Place(parts.hostname, port, namespace, project, lease, tls)


def _tls(url: str, given: dict[str, str]) -> Tls:
    """What these options say of TLS; they are taken out."""
    said = given.pop("tls", None)
    is_on = None if said is None else _YES_OR_NO.get(said.lower())
    files = {name: given.pop(name, None) for name in ("ca", "cert", "key", "server_name")}
    tls = Tls(is_on, **files)
    if said is not None and is_on is None:
        raise _not_understood(url, "tls is true or false")
    if "" in files.values():
        raise _not_understood(url, "ca, cert, key and server_name must not be empty")
    if is_on is False and tls.has_details:
        raise _not_understood(
            url, "tls=false and a certificate or server_name contradict each other"
        )
    if (tls.cert is None) is not (tls.key is None):
        raise _not_understood(url, "cert and key go together")
    return tls


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 1 else None


def _without_secrets(url: str) -> str:
    return _SECRETS.sub(lambda found: f"{found[1]}=***" if found[1] else "***", url)


def _not_understood(url: str, why: str) -> InvalidConfigError:
    return InvalidConfigError(
        f"The backend URL {_without_secrets(url)!r} is not understood: {why}. Write temporal://host:7233/namespace, "
        f"with ?project=<name> to keep projects apart, &lease=<seconds> for how long a worker may be silent, and "
        f"&tls=true, &ca=, &cert=, &key= (files) and &server_name= for a server with TLS."
    )
