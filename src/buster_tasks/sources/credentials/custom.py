"""Credentials of a kind that a package adds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources.credentials.parts import SourceModel
from buster_tasks.sources.kinds import source_class

Destination = tuple[str, int | None]
"""A host, and its port where that is known beforehand."""


class CustomCredentials(SourceModel):
    """Base of them: a subclass says its fields, and its kind, as `type: str = "csv"`.

    A password, token or key is a field of the type `Secret`: it is masked and sealed as those of our own kinds are, and
    `resolve_secret` gives its text when connecting. Names are taken in snake_case and camelCase; what is no field is
    refused.
    """

    type: str

    def destinations(self) -> Sequence[Destination | Path] | None:
        """Each host that a connection may lead to, and each file or folder as a Path; None where that is not known.

        None, as long as a subclass says nothing else, is refused where hosts or directories are restricted.
        """
        return None


def credentials_model(kind: str) -> type[CustomCredentials]:
    """The model of a kind that a package adds. Raises SourceNotSupportedError."""
    source = source_class(kind)
    model: object = getattr(source, "credentials_model", None)
    if not (isinstance(model, type) and issubclass(model, CustomCredentials)):
        raise SourceNotSupportedError(
            f"The kind {kind!r} is {source!r}, whose credentials_model is {model!r}.",
            fix="Its package has to give a subclass of CustomCredentials there.",
        )
    return model
