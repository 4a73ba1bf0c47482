import os
import subprocess
import sys
from types import ModuleType

import pytest

from buster_tasks.language_model import LitellmModel, Message, ModelRequest, litellm_library
from buster_tasks.language_model.errors import (
    LanguageModelError,
    ModelLibraryMissingError,
    ModelUnavailableError,
)
from buster_tasks.language_model.failures import mapped
from taskkit.errors import MissingExtraError
from taskkit.model.redaction import Redaction

ASKED = ModelRequest(messages=(Message.user("x"),))


@pytest.mark.anyio
async def test_without_litellm_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    monkeypatch.setattr(litellm_library, "_load", litellm_library._load.__wrapped__)
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "yes")
    model = LitellmModel("openai/gpt-4o")
    for asking in (model.reply(ASKED), model.estimate(ASKED)):
        with pytest.raises(MissingExtraError, match=r'pip install "buster-tasks\[agent\]"') as told:
            await asking
        assert isinstance(told.value, ModelLibraryMissingError)
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "yes"


def test_what_a_program_has_imported_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ModuleType("litellm")
    monkeypatch.setitem(sys.modules, "litellm", theirs)
    before = dict(vars(theirs))
    assert litellm_library._load.__wrapped__() is theirs
    assert vars(theirs) == before


def test_a_package_that_litellm_misses_is_no_fault_of_the_network() -> None:
    class APIConnectionError(Exception):
        status_code = 500

    error = APIConnectionError("No module named 'boto3'")
    error.__context__ = ModuleNotFoundError("No module named 'boto3'")
    told = mapped(error, "bedrock/x", Redaction())
    assert isinstance(told, ModelLibraryMissingError)
    assert not told.transient
    assert "boto3" in told.message


def test_what_nobody_expects_is_not_tried_again() -> None:
    told = mapped(KeyError("choices"), "openai/x", Redaction())
    assert type(told) is LanguageModelError
    assert not told.transient
    assert "choices" in told.message


def test_a_chain_of_errors_may_be_a_circle() -> None:
    class InternalServerError(Exception):
        status_code = 500

    error = InternalServerError("down")
    error.__context__ = other = ValueError("x")
    other.__context__ = error
    assert isinstance(mapped(error, "m", Redaction()), ModelUnavailableError)


def test_a_long_text_is_cut_after_it_is_masked() -> None:
    redaction = Redaction()
    redaction.add("secret-key")
    told = mapped(ValueError("x" * 985 + " secret-key" + "y" * 5_000), "m", redaction)
    assert len(told.message) < 1_100
    assert "secr" not in told.message


def test_keys_are_remembered_once_and_words_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Redaction()
    monkeypatch.setattr(litellm_library, "KEYS", known)
    monkeypatch.setenv("SOME_API_KEY", "env-key-12345")
    monkeypatch.setenv("SOME_PATH", "a-path-12345")
    litellm_library.remember_keys("given-key-12345")
    litellm_library.remember_keys("none")
    assert known.text("given-key-12345 none env-key-12345") == "******** none env-key-12345"
    litellm_library.remember_keys(None)
    assert known.text("env-key-12345 a-path-12345") == "******** a-path-12345"


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, buster_tasks.language_model, buster_tasks.testing;"
        "print(*[name for name in ('litellm', 'openai', 'http.server', 'pytest', 'httpx')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b""
