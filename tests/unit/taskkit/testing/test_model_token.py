"""When the reference model wants something to happen to tokens."""

from datetime import UTC, datetime, timedelta

from taskkit.testing.stateful.model_token import ModelTokens

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_token_that_is_completed_has_no_moment_any_more() -> None:
    tokens = ModelTokens()
    for token_id, timeout in (("first", 5.0), ("second", 9.0), ("third", None)):
        tokens.create(token_id, timeout, (), None, NOW)
    tokens.complete("first", b"1", NOW)
    assert list(tokens.moments()) == [NOW + timedelta(seconds=9)]
