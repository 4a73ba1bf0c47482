"""Tokens: promises that somebody outside completes, and the runs that wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from taskkit.backends.base import Capability, SupportsTokens
from taskkit.errors import TokenNotFoundError
from taskkit.model.exchange import Answers, Completed, Released, Token, TokenRef, Wait
from taskkit.model.ids import new_id
from taskkit.testing.conformance.check import (
    CheckFailedError,
    check,
    expect,
    expect_error,
    expect_that,
)
from taskkit.testing.conformance.trial import LEASE, TWO, Trial

_TOKENS, _WAITS = Capability.TOKENS, Capability.WAITS


def _store(trial: Trial) -> SupportsTokens:
    return cast("SupportsTokens", trial.backend)


async def _create(
    trial: Trial,
    *,
    token_id: str | None = None,
    timeout: float | None = None,
    tags: Sequence[str] = (),
    key: str | None = None,
) -> Token:
    return await _store(trial).create_token(
        token_id or new_id("token"),
        timeout=timeout,
        tags=tags,
        idempotency_key=key,
        now=trial.now,
    )


async def _get(trial: Trial, token_id: str) -> Token:
    token = await _store(trial).get_token(token_id, now=trial.now)
    if token is None:
        raise CheckFailedError(f"get_token of {token_id}", expected="the token", came="None")
    return token


async def _complete(trial: Trial, token: Token, output: bytes | None = b'"done"') -> bool:
    return await _store(trial).complete_token(token.id, output, now=trial.now)


def _for(token: Token) -> Wait:
    return Wait(new_id("wait"), TokenRef(token.id), "token")


def _state(token: object) -> object:
    """A token to be compared."""
    return (token.status, token.output_json) if isinstance(token, Token) else token


def _met(answers: Answers) -> dict[str, object]:
    return {wait_id: _state(answer) for wait_id, answer in answers.items()}


# --- tokens -------------------------------------------------------------------------------------


@check("SupportsTokens.create_token", _TOKENS, protocol=SupportsTokens)
async def a_token_exists_when_it_was_created(trial: Trial) -> None:
    """A new token waits, under its id, with its time and its tags; of an unknown id there is none."""
    own = new_id("token")
    token = await _create(trial, token_id=own, timeout=60, tags=("a", "b"))
    expect("the token that create_token gives", token.id, own)
    for what, one in (("created", token), ("read", await _get(trial, own))):
        came = (one.status, one.output_json, one.completed_at, tuple(one.tags))
        expect(f"the token as it was {what}", came, ("WAITING", None, None, ("a", "b")))
        length = None
        if one.timeout_at is not None:
            length = (one.timeout_at - one.created_at).total_seconds()
        in_time = length is not None and 60 <= length <= 61
        expect_that("its time", in_time, expected="60 s, or up to 61 where rounded", came=length)
    endless = await _create(trial)
    expect("the end of a token without a timeout", endless.timeout_at, None)
    unknown = await _store(trial).get_token("token_none", now=trial.now)
    expect("a token of an unknown id", unknown, None)


@check("SupportsTokens.create_token", _TOKENS, protocol=SupportsTokens)
async def a_token_is_created_once_for_an_id(trial: Trial) -> None:
    """Creating a token under an id that is known gives that token, as it stands, also when it is over."""
    first = await _create(trial, tags=("first",), timeout=60)
    again = await _create(trial, token_id=first.id, tags=("second",), timeout=5)
    expect("the second answer", again, first)
    await _complete(trial, first)
    over = await _create(trial, token_id=first.id)
    expect("the answer for a token that is over", _state(over), ("COMPLETED", b'"done"'))
    page = await _store(trial).list_tokens(cursor=None, limit=10, now=trial.now)
    expect("the tokens there are", [token.id for token in page.items], [first.id])


@check("SupportsTokens.create_token", _TOKENS, protocol=SupportsTokens)
async def a_token_is_created_once_for_a_key(trial: Trial) -> None:
    """The same idempotency key gives the same token under any id; without a key each is another."""
    first = await _create(trial, key="key")
    again = await _create(trial, key="key", timeout=5)
    other = await _create(trial, key="other key")
    plain = await _create(trial), await _create(trial)
    expect("the answer for a key that is known", again, first)
    ids = {first.id, other.id, *(token.id for token in plain)}
    expect("the number of different tokens", len(ids), 4)
    await _complete(trial, again)
    over = await _create(trial, key="key")
    expect("the answer for the key of a token that is over", over.id, first.id)
    expect("that token", _state(over), ("COMPLETED", b'"done"'))


@check("SupportsTokens.complete_token", _TOKENS, protocol=SupportsTokens)
async def a_token_is_completed_once(trial: Trial) -> None:
    """The first completion counts and says True; each later one says False and changes nothing."""
    for output in (b'{"a": [1]}', None):
        token = await _create(trial)
        expect("the first completion", await _complete(trial, token, output), True)
        expect("the second completion", await _complete(trial, token, b'"other"'), False)
        over = await _get(trial, token.id)
        expect("the token", _state(over), ("COMPLETED", output))
        expect("that it has a moment of its end", over.completed_at is not None, True)


@check("SupportsTokens.complete_token", _TOKENS, protocol=SupportsTokens)
async def an_unknown_token_cannot_be_completed(trial: Trial) -> None:
    """Completing a token that does not exist is TokenNotFoundError, and makes none."""
    call = _store(trial).complete_token("token_none", b"1", now=trial.now)
    await expect_error("complete_token of an unknown id", TokenNotFoundError, call)
    unknown = await _store(trial).get_token("token_none", now=trial.now)
    expect("the token afterwards", unknown, None)


@check("SupportsTokens.complete_token", _TOKENS)
async def a_token_past_its_time_is_over(trial: Trial) -> None:
    """At its moment a token is TIMED_OUT for whoever asks, advance or not; a completion comes too late."""
    token, other = await _create(trial, timeout=60), await _create(trial, timeout=60)
    trial.later(59)
    expect("1 s before its time", (await _get(trial, token.id)).status, "WAITING")
    trial.later(2)
    expect("a completion 1 s after its time", await _complete(trial, other), False)
    for one in (token, other):
        over = await _get(trial, one.id)
        expect("the token", _state(over), ("TIMED_OUT", None))
        expect("the moment of its end", over.completed_at, one.timeout_at)
    await trial.advance()
    expect("after advance", (await _get(trial, token.id)).status, "TIMED_OUT")


@check("SupportsTokens.complete_token", _TOKENS)
async def a_completed_token_has_no_time_to_run_out(trial: Trial) -> None:
    """A token that was completed in time stays so when its time has come."""
    token = await _create(trial, timeout=60)
    trial.later(30)
    await _complete(trial, token)
    trial.later(31)
    await trial.advance()
    expect("the token", _state(await _get(trial, token.id)), ("COMPLETED", b'"done"'))


@check("SupportsTokens.list_tokens", _TOKENS, protocol=SupportsTokens)
async def tokens_are_listed_page_by_page(trial: Trial) -> None:
    """Newest first, each as it stands; the cursor leads on until the last page."""
    tokens: list[Token] = []
    for _ in range(5):
        tokens.append(await _create(trial))
        trial.later(1)
    await _complete(trial, tokens[0])
    pages: list[list[str]] = []
    statuses: list[str] = []
    cursor: int | str | None = None
    for _ in range(3):
        page = await _store(trial).list_tokens(cursor=cursor, limit=2, now=trial.now)
        pages.append([token.id for token in page.items])
        statuses += [token.status for token in page.items]
        cursor = page.cursor
    ids = [token.id for token in reversed(tokens)]
    expect("three pages of 2", pages, [ids[:2], ids[2:4], ids[4:]])
    expect("the statuses", statuses, ["WAITING"] * 4 + ["COMPLETED"])
    expect("the cursor after the last page", cursor, None)


# --- runs that wait for them --------------------------------------------------------------------


@check("QueueBackend.settle", _TOKENS, _WAITS)
async def a_run_meets_the_completion_of_its_token(trial: Trial) -> None:
    """A run that waits for a token is due when it is completed, not before, and gets the token."""
    lease, token = await trial.start(), await _create(trial)
    wait = _for(token)
    await trial.park(lease, wait)
    await _complete(trial, await _create(trial))
    await trial.nothing_due("when another token was completed")
    await _complete(trial, token)
    back = await trial.take(lease.run.id, kind="resume")
    expect("the answers", _met(back.answers), {wait.id: ("COMPLETED", b'"done"')})
    await trial.settle(back, Completed(b"1"))
    await trial.nothing_due("after the answer was handed over")


@check("QueueBackend.advance", _TOKENS, _WAITS)
async def a_run_meets_the_end_of_its_tokens_time(trial: Trial) -> None:
    """A run that waits for a token comes back when the token's time has run out, and not earlier."""
    lease, token = await trial.start(), await _create(trial, timeout=60)
    wait = _for(token)
    await trial.park(lease, wait)
    due = await trial.advance()
    in_time = due is not None and due <= trial.after(61)
    expect_that(
        "when advance is to be called next", in_time, expected="in 60 s, or before", came=due
    )
    trial.later(59)
    await trial.nothing_due("1 s before the token's time is over")
    trial.later(2)
    back = await trial.take(lease.run.id, kind="resume")
    expect("the answers", _met(back.answers), {wait.id: ("TIMED_OUT", None)})


@check("QueueBackend.settle", _TOKENS, _WAITS)
async def a_token_that_was_over_before_its_run_waits_is_an_answer(trial: Trial) -> None:
    """Settling Suspended looks at the tokens that are over already, completed or out of time."""
    lease = await trial.start()
    done, late, open_ = await _create(trial), await _create(trial, timeout=5), await _create(trial)
    await _complete(trial, done)
    trial.later(6)
    waits = [_for(token) for token in (done, late, open_)]
    await trial.park(lease, *waits)
    back = await trial.take(lease.run.id, kind="resume")
    expected = {waits[0].id: ("COMPLETED", b'"done"'), waits[1].id: ("TIMED_OUT", None)}
    expect("the answers", _met(back.answers), expected)


@check("QueueBackend.settle", _TOKENS, _WAITS)
async def a_token_answers_everybody_who_waits_for_it(trial: Trial) -> None:
    """Several runs may wait for one token, and one run twice; each wait is answered."""
    token = await _create(trial)
    first, second = await trial.add(), await trial.add()
    leases = {lease.run.id: lease for lease in await trial.claim()}
    waits = {first: [_for(token), _for(token)], second: [_for(token)]}
    for run_id in (first, second):
        await trial.park(leases[run_id], *waits[run_id])
    await _complete(trial, token)
    came = {lease.run.id: sorted(lease.answers) for lease in await trial.claim()}
    expected = {run_id: sorted(wait.id for wait in own) for run_id, own in waits.items()}
    expect("who has which answers", came, expected)


@check("QueueBackend.settle", _TOKENS, _WAITS)
async def a_wait_for_a_token_that_was_replaced_counts_no_more(trial: Trial) -> None:
    """After another Suspended the token of the first brings the run back no more, unless it names it again."""
    lease, token = await trial.start(), await _create(trial)
    await trial.park(lease, _for(token))
    timer, kept = trial.for_time(60), await _create(trial)
    wait = _for(kept)
    await trial.park(lease, timer, wait)
    await _complete(trial, token)
    await trial.nothing_due("when a token that is no longer waited for was completed")
    await trial.park(lease, timer, wait)
    await _complete(trial, kept)
    back = await trial.take(lease.run.id, kind="resume")
    expect("the answers", _met(back.answers), {wait.id: ("COMPLETED", b'"done"')})


@check("QueueBackend.settle", _TOKENS, _WAITS)
async def a_completion_changes_no_run_that_is_over(trial: Trial) -> None:
    """A run that ended while it waited for a token stays as it ended."""
    lease, token = await trial.start(), await _create(trial)
    await trial.park(lease, _for(token))
    await trial.settle(lease, Completed(b'"early"'))
    expect("the completion", await _complete(trial, token), True)
    await trial.nothing_due("when the token of a run that is over was completed")
    run = await trial.run(lease.run.id)
    expect("the run", (run.status, run.output_json), ("COMPLETED", b'"early"'))


@check("QueueBackend.settle", _TOKENS, _WAITS)
async def a_completion_outlives_the_worker_that_waited(trial: Trial) -> None:
    """A token that is completed while nobody holds the waiting run, or after its worker died, is its answer."""
    lease, token = await trial.start(), await _create(trial)
    wait = _for(token)
    await trial.park(lease, wait)
    await trial.settle(lease, Released())
    expect("the status of a released run", await trial.status(lease.run.id), "WAITING")
    await _complete(trial, token)
    back = await trial.take(lease.run.id, TWO, kind="resume")
    expect("the answers", _met(back.answers), {wait.id: ("COMPLETED", b'"done"')})
    trial.later(LEASE + 1)
    again = await trial.take(lease.run.id, what="what is due when that worker has died")
    await trial.park(again, wait)
    back = await trial.take(lease.run.id, kind="resume")
    expect("the answers after a death", _met(back.answers), {wait.id: ("COMPLETED", b'"done"')})
