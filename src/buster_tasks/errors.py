"""Everything that can go wrong with a data source, as types.

taskkit.errors.TaskkitError
└── SourceError
    ├── ConnectionFailedError      the database cannot be reached or opened (transient unless said otherwise)
    │   ├── SourceBusyError        it is locked by somebody else (transient)
    │   ├── HostNotFoundError      no address is known for the host's name
    │   └── TlsFailedError         no TLS, or a certificate that does not hold
    ├── AccessRefusedError         the operator's settings do not allow this source
    │   ├── HostNotAllowedError    its host is not among those that are allowed
    │   └── PathNotAllowedError    its file is in no directory that is allowed
    ├── AuthenticationError        it refuses the user or the password
    ├── DatabaseNotFoundError      the server answers, or the folder is there, but not this database
    ├── DatabaseCorruptError       the file is no database, or a damaged one
    ├── PermissionDeniedError      the user may not do this, or the statement is not a read
    ├── SourceTimeoutError         the time limit of the call is over (transient)
    ├── QueryFailedError           the database rejects the statement
    ├── QueryCanceledError         the statement was stopped by `cancel()` or `close()`
    ├── ResultTooLargeError        what was found does not fit into the output of a run
    ├── InvalidFilterError         a filter that can match nothing by its form
    ├── SourceNotSupportedError    a scheme that is no kind, or a server that is too old
    ├── SettingError               a variable or a key of [tool.buster-tasks] that makes no sense
    ├── CatalogError               the catalog of snapshots cannot be read or written
    │   └── SnapshotNotFoundError  it holds no snapshot of this id
    ├── DriverMissingError         the driver package is not installed (a taskkit MissingExtraError too)
    └── SecretNotFoundError        `env:NAME` or `file:path` leads nowhere
"""

from __future__ import annotations

from typing import ClassVar, Self

from taskkit.errors import MissingExtraError, TaskkitError


class SourceError(TaskkitError):
    """A data source cannot do what was asked; `code` names the case, `fix` the next step.

    `transient` says whether the same call may succeed later. No message ever holds a secret.
    """

    code: ClassVar[str] = "SOURCE_ERROR"
    transient: bool = False

    def __init__(self, message: str, *, fix: str = "", transient: bool | None = None) -> None:
        super().__init__(f"{message} {fix}".rstrip())
        self.message = message
        self.fix = fix
        if transient is not None:
            self.transient = transient


class ConnectionFailedError(SourceError):
    """The database cannot be reached or opened."""

    code = "CONNECTION_FAILED"
    transient = True


class SourceBusyError(ConnectionFailedError):
    """Somebody else holds a lock for longer than we wait."""

    code = "SOURCE_BUSY"


class HostNotFoundError(ConnectionFailedError):
    """No address is known for the name of the host; transient where the name server did not answer."""

    code = "HOST_NOT_FOUND"
    transient = False


class TlsFailedError(ConnectionFailedError):
    """The server offers no TLS, refuses ours, or shows a certificate that does not hold."""

    code = "TLS_FAILED"
    transient = False


class AccessRefusedError(SourceError):
    """The settings of the machine that runs the task do not allow this source."""

    code = "ACCESS_REFUSED"


class HostNotAllowedError(AccessRefusedError):
    """The host, or an address that its name leads to, is not among those that are allowed."""

    code = "HOST_NOT_ALLOWED"


class PathNotAllowedError(AccessRefusedError):
    """The file is in none of the directories that are allowed."""

    code = "PATH_NOT_ALLOWED"


class AuthenticationError(SourceError):
    """The database refuses the user or the password."""

    code = "AUTHENTICATION_FAILED"


class DatabaseNotFoundError(SourceError):
    """There is no database of this name or path."""

    code = "DATABASE_NOT_FOUND"


class DatabaseCorruptError(SourceError):
    """The file is no database, or its content is damaged."""

    code = "DATABASE_CORRUPT"


class PermissionDeniedError(SourceError):
    """The user may not do this, or the statement is not a read."""

    code = "PERMISSION_DENIED"


class SourceTimeoutError(SourceError):
    """The time limit of the call is over."""

    code = "SOURCE_TIMEOUT"
    transient = True


class QueryFailedError(SourceError):
    """The database rejects the statement."""

    code = "QUERY_FAILED"


class QueryCanceledError(SourceError):
    """The statement was stopped before its end."""

    code = "QUERY_CANCELED"


class ResultTooLargeError(SourceError):
    """What was found does not fit into the output of a run."""

    code = "RESULT_TOO_LARGE"


class InvalidFilterError(SourceError):
    """A filter that can match nothing by its form, such as an empty list."""

    code = "INVALID_FILTER"


class SourceNotSupportedError(SourceError):
    """The text stands for no kind of source, or the server is too old."""

    code = "SOURCE_NOT_SUPPORTED"


class SettingError(SourceError):
    """A variable of the environment, or a key of `[tool.buster-tasks]`, makes no sense."""

    code = "SETTING_INVALID"


class CatalogError(SourceError):
    """The catalog, where introspections are kept, cannot be read or written."""

    code = "CATALOG_UNAVAILABLE"


class SnapshotNotFoundError(CatalogError):
    """The catalog holds no snapshot of this id."""

    code = "SNAPSHOT_NOT_FOUND"


class DriverMissingError(SourceError, MissingExtraError):
    """The package that talks to this kind of source is not installed; `extra` is what brings it."""

    code = "DRIVER_MISSING"

    def __init__(
        self, message: str, *, fix: str = "", transient: bool | None = None, extra: str = ""
    ) -> None:
        Exception.__init__(self, f"{message} {fix}".rstrip())
        self.message, self.fix = message, fix
        self.extra, self.what = extra, message
        self.transient = bool(transient)

    @classmethod
    def of(cls, source: str, extra: str, cause: ImportError) -> Self:
        """The error for a driver whose import failed, with the command that installs it."""
        return cls(
            f"Reading {source} needs a driver that cannot be imported: {cause}.",
            fix=f'Run: pip install "buster-tasks[{extra}]"',
            extra=extra,
        )


class SecretNotFoundError(SourceError):
    """A secret's reference leads nowhere; the message names the reference, never a value."""

    code = "SECRET_NOT_FOUND"
