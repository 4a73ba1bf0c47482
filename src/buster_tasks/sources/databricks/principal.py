"""A service principal's tokens: OAuth from machine to machine, by the client credentials grant."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from buster_tasks.errors import AuthenticationError, ConnectionFailedError, SourceError
from taskkit import logger

_PATH = "/oidc/v1/token"
_EARLY_SECONDS = 60.0
_REFUSALS = (400, 401, 403)


class _Staying(HTTPRedirectHandler):
    """Goes nowhere else, since the secret would go along."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """No other request: the answer is an error."""


class ServicePrincipal:
    """What the driver takes as its `credentials_provider`: calling it gives what makes the headers of a request.

    A token is asked for when it is first needed, and again a minute before it ends.
    """

    def __init__(self, url: str, client_id: str, client_secret: str, *, seconds: float) -> None:
        self._url, self._seconds = url + _PATH, seconds
        self._client_id, self._secret = client_id, client_secret
        self._token: str | None = None
        self._ends = 0.0

    def auth_type(self) -> str:
        """The name that the driver has for this."""
        return "oauth-m2m"

    def __call__(self) -> Callable[[], dict[str, str]]:
        """The function that the driver calls for each request."""
        return self._headers

    def _headers(self) -> dict[str, str]:
        if self._token is None or time.monotonic() > self._ends:
            answer = self._asked()
            token, lives = answer.get("access_token"), answer.get("expires_in", 3600)
            if not isinstance(token, str) or not isinstance(lives, (int, float)):
                raise _not_understood(self._url)
            logger.mask(token)
            self._token = token
            self._ends = time.monotonic() + max(0.0, lives - _EARLY_SECONDS)
        return {"Authorization": f"Bearer {self._token}"}

    def _asked(self) -> dict[str, Any]:
        both = f"{self._client_id}:{self._secret}"
        request = Request(  # noqa: S310 - `endpoint_of` makes the URL, of https, or of http to this machine
            self._url,
            data=b"grant_type=client_credentials&scope=all-apis",
            headers={
                "Authorization": "Basic " + base64.b64encode(both.encode()).decode(),
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
        )
        try:
            with build_opener(_Staying).open(request, timeout=self._seconds) as answer:
                found: Any = json.loads(answer.read(1_000_000))
        except HTTPError as error:
            with error:
                raise self._refused(error.code) from None
        except (URLError, OSError):
            raise ConnectionFailedError(
                f"{self._url} does not answer.", fix="Check server_hostname, then try again."
            ) from None
        except ValueError:
            raise _not_understood(self._url) from None
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def _refused(self, status: int) -> SourceError:
        if status in _REFUSALS:
            return AuthenticationError(
                f"{self._url} gives the service principal {self._client_id!r} no token (HTTP {status}).",
                fix="Check client_id and client_secret, and that the principal is in the workspace.",
            )
        return ConnectionFailedError(
            f"{self._url} answers with HTTP {status}.",
            fix="Check server_hostname, then try again.",
            transient=status >= 500 or status == 429,
        )


def _not_understood(url: str) -> SourceError:
    return ConnectionFailedError(
        f"{url} does not answer as a Databricks workspace does.",
        fix="Check server_hostname.",
        transient=False,
    )
