"""A question to the user and its answer: a token carries what was asked about to the next analysis."""

from __future__ import annotations

import base64
import binascii

from pydantic import BaseModel, ConfigDict, ValidationError

from buster_tasks.analyst.errors import InvalidTokenError


class Asked(BaseModel):
    """What the user wanted to know, and what was asked back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    asked: str

    def token(self) -> str:
        """The same as a text for `context.resume_token`. It is readable, and holds nothing but these two."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode()

    def answered(self, answer: str) -> str:
        """The question with what was asked back and the answer to it."""
        return f"{self.question}\nYou asked: {self.asked}\nThe answer: {answer}"


def asked_by(token: str) -> Asked:
    """What a token carries. Raises InvalidTokenError."""
    try:
        return Asked.model_validate_json(base64.urlsafe_b64decode(token.encode()))
    except (ValidationError, binascii.Error, ValueError):
        raise InvalidTokenError(
            "The resume token is none.",
            fix="Give it as `result.resume_token` had it, or leave it out.",
        ) from None
