"""What it means that a server cannot be reached, or refuses a call: errors that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.place import Place
from taskkit.errors import BackendError, PayloadTooLargeError, StoreUnavailableError, TaskkitError

_Code = RPCStatusCode
AWAY: Final = frozenset({_Code.UNAVAILABLE, _Code.DEADLINE_EXCEEDED, _Code.CANCELLED})
"""A server that does not answer; CANCELLED is what the SDK says where the time of a call was over."""
_NOT_LET_IN: Final = frozenset({_Code.PERMISSION_DENIED, _Code.UNAUTHENTICATED})
_TOO_LARGE: Final = ("size exceeds", "exceeds size limit", "size limit", "larger than max")
_BEGIN: Final = "Start it (`temporal server start-dev` for one on this machine), or correct the URL"
_ENTER: Final = (
    "Set TEMPORAL_API_KEY to a key that is good for this namespace, or name a client certificate "
    "with ?cert=...&key=..."
)
_MEANINGS: Final = (
    ("dns error", "the name of the host is not known", "Correct the URL"),
    ("ConnectionRefused", "nothing listens there", _BEGIN),
    ("InvalidContentType", "it does not speak TLS", "Write ?tls=false into the URL, or correct it"),
    ("UnknownIssuer", "its certificate comes from an authority that is not known here",
     "Name the file with the authority's certificate by ?ca= in the URL"),
    ("NotValidForName", "its certificate is for another name",
     "Write the name of the certificate as ?server_name= into the URL"),
    ("Expired", "its certificate is not good any more", "Renew it"),
    ("CertificateRequired", "it wants a client certificate", "Name one with ?cert=...&key=..."),
    ("UnknownCA", "it does not know the authority of our client certificate", "Use another with ?cert="),
    ("PrivateKey", "the client certificate and its key cannot be used", "Correct ?cert= and ?key="),
    ("Unauthenticated", "it does not let us in", _ENTER),
    ("PermissionDenied", "it does not let us in", _ENTER),
)  # fmt: skip


Door = Literal["plain", "tls", "mutual"]
"""How we came: without TLS, with it, or with a certificate of our own."""
_BROKEN_OFF: Final = (
    "h2 protocol error",
    "transport error",
    "ConnectionReset",
    "BrokenPipe",
    "h2::",
    "connection closed",
)
_ON_BREAKING_OFF: Final[Mapping[Door, tuple[str, str]]] = {
    "plain": (
        "what listens there is no Temporal server, or wants TLS",
        "Correct the port (7233 is usual), or write ?tls=true",
    ),
    "tls": (
        "it broke off under TLS, as one does that wants a client certificate",
        "Name one with ?cert=...&key=..., or correct the port",
    ),
    "mutual": (
        "it broke off under TLS, as one does that does not accept our client certificate",
        "Use another with ?cert=...&key=..., or correct the port",
    ),
}


def unconnected(place: Place, said: str, door: Door) -> TaskkitError:
    """The error for a connection that could not be made; `said` is what the SDK tells, empty where nothing came."""
    if not said:
        why = "something listens there, or nobody does, and no answer came in time"
        return _unreachable(place, why, "Look for a firewall, or correct the URL", said)
    for words, why, fix in _MEANINGS:
        if words.lower() in said.lower():
            if fix is _ENTER:
                return BackendError(
                    f"The Temporal server at {place.address} refuses: {why}. {fix}."
                )
            return _unreachable(place, why, fix, said)
    if any(words in said for words in _BROKEN_OFF):
        return _unreachable(place, *_ON_BREAKING_OFF[door], said)
    return _unreachable(place, said, _BEGIN, said)


def _unreachable(place: Place, why: str, fix: str, said: str) -> StoreUnavailableError:
    shown = "" if said in {"", why} else f" The SDK says: {said[:300]}"
    return StoreUnavailableError(
        f"No Temporal server answers at {place.address}: {why}. {fix} ({place.shown}).{shown}"
    )


def refused(place: Place, error: RPCError) -> TaskkitError:
    """The error for a call that the server did not carry out."""
    code, at = error.status, f"The Temporal server at {place.address}"
    if is_away(error):
        return StoreUnavailableError(
            f"{at} does not answer: {error.message}. Look whether it runs."
        )
    if is_too_large(error):
        words = f"{at} refused it as too large: {error.message}. Store the data elsewhere and pass a reference to it."
        return PayloadTooLargeError("What was sent", 0, 0, words)
    if code is _Code.RESOURCE_EXHAUSTED:
        return StoreUnavailableError(
            f"{at} is at its limit: {error.message}. Ask more slowly, or have the limits of {place.shown} raised."
        )
    if code in _NOT_LET_IN:
        return BackendError(
            f"{at} does not let us do this in {place.shown}: {error.message}. {_ENTER}."
        )
    if code is _Code.NOT_FOUND and "namespace" in error.message.lower():
        return BackendError(
            f"{at} has no namespace {place.namespace!r}. Make it (`temporal operator namespace create --namespace "
            f"{place.namespace}`), or correct the URL {place.shown}."
        )
    return BackendError(
        f"{at} refused a call ({code.name}): {error.message}. The URL is {place.shown}."
    )


def is_away(error: RPCError) -> bool:
    """Whether it does not answer, or its connection broke off, which the SDK gives no code of its own."""
    is_broken = error.status is _Code.UNKNOWN and "transport error" in error.message
    return is_broken or error.status in AWAY


def is_too_large(error: RPCError) -> bool:
    """Whether it was refused for its size."""
    is_about = error.status in {_Code.INVALID_ARGUMENT, _Code.RESOURCE_EXHAUSTED}
    return is_about and any(words in error.message.lower() for words in _TOO_LARGE)
