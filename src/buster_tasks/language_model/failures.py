"""What litellm raises, as our errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast

from buster_tasks.language_model.errors import (
    BrokenReplyError,
    ContentPolicyError,
    ContextWindowExceededError,
    LanguageModelError,
    ModelAuthenticationError,
    ModelLibraryMissingError,
    ModelNotFoundError,
    ModelTimeoutError,
    ModelUnavailableError,
    QuotaExhaustedError,
    RateLimitedError,
    RequestRefusedError,
)
from buster_tasks.language_model.retry import retry_after_of
from taskkit.model.clock import SYSTEM_CLOCK
from taskkit.model.redaction import Redaction

_LONGEST = 1_000
_QUOTA: Final = ("insufficient_quota", "credit balance is too low")
_CONTENT: Final = ("content_policy", "content_filter", "content management policy")
_CONTEXT: Final = ("context_length_exceeded", "maximum context length", "prompt is too long")
_UNKNOWN_MODEL: Final = ("llm provider not provided", "model_not_found", "unknown provider")


class _Case(NamedTuple):
    kind: type[LanguageModelError]
    fix: str


_AUTHENTICATION = _Case(
    ModelAuthenticationError,
    "Give `api_key`, or set the variable of the provider, and see that the key may use this model.",
)
_NOT_FOUND = _Case(
    ModelNotFoundError,
    'Name the model as litellm does, "provider/model", and see that the account may use it.',
)
_QUOTA_CASE = _Case(QuotaExhaustedError, "Add credit to the account, or use another one.")
_LIMITED = _Case(RateLimitedError, "Ask less often, or raise the limit of the account.")
_TIMEOUT = _Case(ModelTimeoutError, "Allow more time, or ask for less.")
_UNAVAILABLE = _Case(ModelUnavailableError, "Try again later, and check `api_base`.")
_BROKEN = _Case(BrokenReplyError, "Try again.")
_REFUSED = _Case(RequestRefusedError, "Correct the request.")
_TOO_LONG = _Case(ContextWindowExceededError, "Shorten the conversation, or use another model.")
_FORBIDDEN = _Case(ContentPolicyError, "Say it differently, or use another model.")

_BY_NAME: Final = {
    "AuthenticationError": _AUTHENTICATION,
    "PermissionDeniedError": _AUTHENTICATION,
    "ContextWindowExceededError": _TOO_LONG,
    "ContentPolicyViolationError": _FORBIDDEN,
    "NotFoundError": _NOT_FOUND,
    "LiteLLMUnknownProvider": _NOT_FOUND,
    "Timeout": _TIMEOUT,
    "MidStreamFallbackError": _BROKEN,
    "APIResponseValidationError": _BROKEN,
    "RemoteProtocolError": _BROKEN,
}
_BY_STATUS: Final = {
    401: _AUTHENTICATION,
    402: _QUOTA_CASE,
    403: _AUTHENTICATION,
    404: _NOT_FOUND,
    408: _TIMEOUT,
    409: _UNAVAILABLE,
    429: _LIMITED,
}


def mapped(error: Exception, model: str, redaction: Redaction) -> LanguageModelError:
    """The error for whatever litellm raised, its text without secrets.

    Something that is no answer of the provider is a LanguageModelError too, and not transient: a retry would repeat it.
    """
    missing = next((one for one in _chain(error) if isinstance(one, ImportError)), None)
    if missing is not None:
        return ModelLibraryMissingError.of(ImportError(redaction.text(str(missing))))
    case = _case_of(error)
    text = redaction.text(_shown(error))
    message = f"{model}: {text[:_LONGEST]}"
    if case is None:
        return LanguageModelError(message, fix="This is unexpected: see the text of the error.")
    if issubclass(case.kind, ModelUnavailableError):
        return case.kind(message, fix=case.fix, retry_after=_retry_after(error))
    return case.kind(message, fix=case.fix)


def _case_of(error: Exception) -> _Case | None:
    names = [base.__name__ for base in type(error).__mro__]
    known = next((_BY_NAME[name] for name in names if name in _BY_NAME), None)
    status = _status_of(error)
    words = " ".join(_words_of(error)).lower()
    if status is not None and 400 <= status < 500:
        return _special(words) or known or _BY_STATUS.get(status, _REFUSED)
    if known is _BROKEN:
        return _special(words) or known
    if known is not None:
        return known
    if status is not None or "APIConnectionError" in names:
        return _UNAVAILABLE
    return None


def _special(words: str) -> _Case | None:
    """The case that only the words of the answer tell."""
    if any(sign in words for sign in _QUOTA):
        return _QUOTA_CASE
    if any(sign in words for sign in _CONTEXT):
        return _TOO_LONG
    if any(sign in words for sign in _CONTENT):
        return _FORBIDDEN
    if any(sign in words for sign in _UNKNOWN_MODEL):
        return _NOT_FOUND
    return None


def _status_of(error: Exception) -> int | None:
    status: object = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _words_of(error: Exception) -> Iterator[str]:
    for one in _chain(error):
        yield str(one)
        code: object = getattr(one, "code", None)
        if isinstance(code, str):
            yield code


def _shown(error: Exception) -> str:
    """The text without the name of the exception, which litellm puts before it, once or more often."""
    text = str(error) or type(error).__name__
    for one in (f"litellm.{type(error).__name__}: ", f"{type(error).__name__}: "):
        text = text.removeprefix(one)
    return " ".join(text.split())


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _retry_after(error: Exception) -> float | None:
    for one in _chain(error):
        response: object = getattr(one, "response", None)
        for holder, name in ((response, "headers"), (one, "litellm_response_headers")):
            headers: object = getattr(holder, name, None)
            if isinstance(headers, Mapping):
                found = retry_after_of(
                    _texts(cast("Mapping[object, object]", headers)), SYSTEM_CLOCK.now()
                )
                if found is not None:
                    return found
    return None


def _texts(headers: Mapping[object, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers.items()}
