"""Everything that can go wrong with a language model, as types.

taskkit.errors.TaskkitError
└── LanguageModelError
    ├── ModelUnavailableError           no connection, or the provider has an error of its own (transient)
    │   ├── RateLimitedError            too many requests
    │   ├── ModelTimeoutError           nothing came for too long, or the time of the call is over
    │   └── BrokenReplyError            the reply ended in its middle, or is none
    ├── ModelAuthenticationError        the key is missing, wrong, or may not use this model
    ├── QuotaExhaustedError             the account has no credit left
    ├── ModelNotFoundError              the provider, or litellm, does not know this model
    ├── RequestRefusedError             the provider does not take the request
    │   ├── ContextWindowExceededError  it is too long for the model
    │   └── ContentPolicyError          the provider will not answer this
    ├── BudgetExceededError             the next call would go over a limit of the budget
    ├── ReplyNotRecordedError           a recording has no reply to this request
    └── ModelLibraryMissingError        litellm is not installed (a taskkit MissingExtraError too)
"""

from __future__ import annotations

from typing import ClassVar, Self

from taskkit.errors import MissingExtraError, TaskkitError


class LanguageModelError(TaskkitError):
    """A model cannot do what was asked; `code` names the case, `fix` the next step.

    `transient` says whether the same call may succeed later. No message holds a secret that is known here.
    """

    code: ClassVar[str] = "LANGUAGE_MODEL_ERROR"
    transient: bool = False

    def __init__(self, message: str, *, fix: str = "", transient: bool | None = None) -> None:
        super().__init__(f"{message} {fix}".rstrip())
        self.message = message
        self.fix = fix
        if transient is not None:
            self.transient = transient


class ModelUnavailableError(LanguageModelError):
    """The provider cannot be reached, or has an error of its own.

    `retry_after` is for how many seconds it wants to be left alone, where it says so.
    """

    code = "MODEL_UNAVAILABLE"
    transient = True

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        transient: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, fix=fix, transient=transient)
        self.retry_after = retry_after


class RateLimitedError(ModelUnavailableError):
    """The provider wants fewer requests."""

    code = "RATE_LIMITED"


class ModelTimeoutError(ModelUnavailableError):
    """Nothing came from the provider for too long, or the time of the call is over."""

    code = "TIMEOUT_ERROR"


class BrokenReplyError(ModelUnavailableError):
    """The reply ended in its middle, or is no reply."""

    code = "BROKEN_REPLY"


class ModelAuthenticationError(LanguageModelError):
    """The key is missing or wrong, or may not use this model."""

    code = "MODEL_AUTHENTICATION_FAILED"


class QuotaExhaustedError(LanguageModelError):
    """The account has no credit left; waiting a moment does not help."""

    code = "QUOTA_EXHAUSTED"


class ModelNotFoundError(LanguageModelError):
    """The provider does not know this model, or litellm does not know the provider."""

    code = "MODEL_NOT_FOUND"


class RequestRefusedError(LanguageModelError):
    """The provider does not take the request as it is."""

    code = "REQUEST_REFUSED"


class ContextWindowExceededError(RequestRefusedError):
    """The request is longer than the model can read."""

    code = "CONTEXT_WINDOW_EXCEEDED"


class ContentPolicyError(RequestRefusedError):
    """The provider's rules forbid the request or its answer."""

    code = "CONTENT_REFUSED"


class BudgetExceededError(LanguageModelError):
    """The next call would go over the budget; nothing was sent.

    `limit` names the limit ("calls", "tokens", "cost_usd" or "seconds"), `used` is what is spent of it, `needed`
    what the call may take (None where nobody can tell), `allowed` the limit, less what is kept for a later phase.
    """

    code = "BUDGET_EXCEEDED"

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        transient: bool | None = None,
        limit: str = "",
        used: float = 0.0,
        needed: float | None = None,
        allowed: float = 0.0,
    ) -> None:
        super().__init__(message, fix=fix, transient=transient)
        self.limit, self.used, self.needed, self.allowed = limit, used, needed, allowed


class ReplyNotRecordedError(LanguageModelError):
    """A recording has no reply, or none left, to this request."""

    code = "REPLY_NOT_RECORDED"


class ModelLibraryMissingError(LanguageModelError, MissingExtraError):
    """litellm is not installed, or cannot be imported; `extra` is what brings it."""

    code = "MODEL_LIBRARY_MISSING"

    def __init__(
        self, message: str, *, fix: str = "", transient: bool | None = None, extra: str = "agent"
    ) -> None:
        Exception.__init__(self, f"{message} {fix}".rstrip())
        self.message, self.fix = message, fix
        self.extra, self.what = extra, message
        self.transient = bool(transient)

    @classmethod
    def of(cls, cause: ImportError) -> Self:
        """The error for an import that failed, with the command that installs it."""
        return cls(
            f"Asking a language model needs litellm, which cannot be imported: {cause}.",
            fix='Run: pip install "buster-tasks[agent]"',
        )
