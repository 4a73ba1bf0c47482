"""Faults of tokens, and of the runs that wait for them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from broken.fault import Faulty, fault, wrap

from taskkit.backends.base import Now
from taskkit.backends.memory.timers import Timers
from taskkit.errors import TokenNotFoundError
from taskkit.model.exchange import Page, Token, TokenRef
from taskkit.model.ids import new_id
from taskkit.model.run import RunStatus


class _Keeps(Faulty):
    """Knows where the tokens are kept."""

    def kept(self, token_id: str) -> Any:
        return self._life.tokens._kept.get(token_id)


@fault("a_token_exists_when_it_was_created")
class ATokenIgnoresItsId(Faulty):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        return await super().create_token(new_id("token"), **rest)


@fault("a_token_exists_when_it_was_created")
class TokensLoseTheirTags(Faulty):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        return await super().create_token(token_id, **{**rest, "tags": ()})


@fault("a_token_exists_when_it_was_created", "a_run_meets_the_end_of_its_tokens_time")
class TokensLoseTheirTime(Faulty):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        return await super().create_token(token_id, **{**rest, "timeout": None})


@fault("a_token_exists_when_it_was_created")
class EveryTokenHasATime(Faulty):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        timeout = 600 if rest["timeout"] is None else rest["timeout"]
        return await super().create_token(token_id, **{**rest, "timeout": timeout})


@fault("a_token_is_created_once_for_an_id")
class AKnownIdMakesANewToken(Faulty):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        self._life.tokens._kept.pop(token_id, None)
        return await super().create_token(token_id, **rest)


@fault("a_token_is_created_once_for_an_id")
class AnIdIsFreeWhenItsTokenIsOver(_Keeps):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        kept = self.kept(token_id)
        if kept is not None and kept.token.status != "WAITING":
            del self._life.tokens._kept[token_id]
        return await super().create_token(token_id, **rest)


@fault("a_token_is_created_once_for_a_key")
class KeysOfTokensAreIgnored(Faulty):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        return await super().create_token(token_id, **{**rest, "idempotency_key": None})


@fault("a_token_is_created_once_for_a_key")
class AKeyIsFreeWhenItsTokenIsOver(_Keeps):
    async def create_token(self, token_id: str, **rest: Any) -> Token:
        held = self.kept(self._life.tokens._ids.get(rest["idempotency_key"], ""))
        if held is not None and held.token.status != "WAITING":
            del self._life.tokens._ids[rest["idempotency_key"]]
        return await super().create_token(token_id, **rest)


# --- their ends ---------------------------------------------------------------------------------


@fault("a_token_is_completed_once")
class TheLastCompletionCounts(_Keeps):
    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        is_first = await super().complete_token(token_id, output, now=now)
        kept = self.kept(token_id)
        if kept.token.status == "COMPLETED":
            kept.token = replace(kept.token, output_json=output)
        return is_first


@fault("a_token_is_completed_once", "a_token_past_its_time_is_over")
class EveryCompletionSaysTrue(Faulty):
    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        await super().complete_token(token_id, output, now=now)
        return True


@fault("an_unknown_token_cannot_be_completed")
class AnUnknownTokenIsPassedOver(Faulty):
    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        try:
            return await super().complete_token(token_id, output, now=now)
        except TokenNotFoundError:
            return False


@fault("an_unknown_token_cannot_be_completed")
class AnUnknownTokenIsMade(_Keeps):
    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        if self.kept(token_id) is None:
            await self.create_token(token_id, timeout=None, tags=(), idempotency_key=None, now=now)
        return await super().complete_token(token_id, output, now=now)


@fault("a_token_past_its_time_is_over")
class OnlyAdvanceEndsTokens(Faulty):
    def spoil(self) -> None:
        super().spoil()
        tokens = self._life.tokens
        look = tokens._as_it_stands
        tokens._as_it_stands = lambda kept, now: kept.token
        tokens._time_came = lambda token_id, _, now: look(tokens._kept[token_id], now)


@fault("a_token_past_its_time_is_over")
class ALateCompletionCounts(_Keeps):
    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        kept = self.kept(token_id)
        if kept is not None and kept.token.timeout_at is not None:
            now = kept.token.timeout_at - timedelta(microseconds=1)
        return await super().complete_token(token_id, output, now=now)


@fault("a_token_past_its_time_is_over")
class ATokenEndsWhenSomebodyLooks(_Keeps):
    """The moment of its end is not that of its time, but when it was noticed."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life.tokens, "_as_it_stands", self._end_now)

    @staticmethod
    def _end_now(as_it_stands: Any, kept: Any, now: datetime) -> Token:
        before = kept.token
        if as_it_stands(kept, now) is not before:
            kept.token = replace(kept.token, completed_at=now)
        return kept.token


@fault("a_completed_token_has_no_time_to_run_out")
class TimeEndsCompletedTokens(_Keeps):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life.tokens, "_time_came", self._end_any)

    def _end_any(self, time_came: Any, token_id: str, *rest: Any) -> None:
        time_came(token_id, *rest)
        kept = self.kept(token_id)
        kept.token = replace(kept.token, status="TIMED_OUT", output_json=None)


# --- lists --------------------------------------------------------------------------------------


@fault("tokens_are_listed_page_by_page")
class OldTokensComeFirst(Faulty):
    async def list_tokens(self, **rest: Any) -> Page[Token]:
        page = await super().list_tokens(**rest)
        return replace(page, items=page.items[::-1])


@fault("tokens_are_listed_page_by_page")
class TheFirstPageOfTokensIsTheLast(Faulty):
    async def list_tokens(self, **rest: Any) -> Page[Token]:
        return replace(await super().list_tokens(**rest), cursor=None)


@fault("tokens_are_listed_page_by_page")
class TokensAreListedAsTheyWereMade(Faulty):
    async def list_tokens(self, **rest: Any) -> Page[Token]:
        page = await super().list_tokens(**rest)
        return replace(page, items=[replace(token, status="WAITING") for token in page.items])


# --- runs that wait for them --------------------------------------------------------------------


class _Tells(Faulty):
    """Tells runs of the ends of their tokens in its own way."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life.tokens, "_tell", self._tell_of_some)

    def _tell_of_some(self, tell: Any, token: Token, at: datetime) -> None:
        if self.is_told(token):
            tell(token, at)

    def is_told(self, token: Token) -> bool:
        return True


@fault("a_run_meets_the_completion_of_its_token", "a_token_answers_everybody_who_waits_for_it")
class CompletionsWakeNobody(_Tells):
    def is_told(self, token: Token) -> bool:
        return token.status != "COMPLETED" and super().is_told(token)


@fault("a_run_meets_the_end_of_its_tokens_time")
class EndsOfTimeWakeNobody(_Tells):
    def is_told(self, token: Token) -> bool:
        return token.status != "TIMED_OUT" and super().is_told(token)


@fault("a_run_meets_the_completion_of_its_token")
class AnyCompletionAnswersAll(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life.tokens, "_tell", self._tell_of_any)

    def _tell_of_any(self, tell: Any, token: Token, at: datetime) -> None:
        tell(token, at)
        for other in list(self._life._waiting._awaited_tokens):
            tell(replace(token, id=other), at)


@fault("a_run_meets_the_end_of_its_tokens_time")
class TokensHaveNoTimer(Faulty):
    """A token's time is over when somebody looks, and nobody does."""

    def spoil(self) -> None:
        super().spoil()
        self._life.tokens._timers = Timers()


class _Begins(Faulty):
    """Begins a wait for a token in its own way."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_token", self._begin_some)

    def _begin_some(
        self, begin: Any, record: Any, wait_id: str, on: TokenRef, now: datetime
    ) -> None:
        if self.begins(record, on, self._life.tokens.find(on.id, now)):
            begin(record, wait_id, on, now)

    def begins(self, record: Any, on: TokenRef, token: Token | None) -> bool:
        return True

    def waiters(self, token_id: str) -> dict[tuple[str, str], Any]:
        return self._life._waiting._awaited_tokens.get(token_id, {})


@fault(
    "a_token_that_was_over_before_its_run_waits_is_an_answer",
    "a_completion_outlives_the_worker_that_waited",
)
class TokensThatWereOverDoNotAnswer(_Begins):
    def begins(self, record: Any, on: TokenRef, token: Token | None) -> bool:
        is_over = token is not None and token.status != "WAITING"
        return not is_over and super().begins(record, on, token)


@fault("a_token_that_was_over_before_its_run_waits_is_an_answer")
class TokensThatWereOutOfTimeDoNotAnswer(_Begins):
    def begins(self, record: Any, on: TokenRef, token: Token | None) -> bool:
        is_late = token is not None and token.status == "TIMED_OUT"
        return not is_late and super().begins(record, on, token)


@fault("a_token_answers_everybody_who_waits_for_it")
class OneRunWaitsForAToken(_Begins):
    def begins(self, record: Any, on: TokenRef, token: Token | None) -> bool:
        self.waiters(on.id).clear()
        return super().begins(record, on, token)


@fault("a_token_answers_everybody_who_waits_for_it")
class ARunWaitsOnceForAToken(_Begins):
    def begins(self, record: Any, on: TokenRef, token: Token | None) -> bool:
        others = {run_id for run_id, _ in self.waiters(on.id)}
        return record.id not in others and super().begins(record, on, token)


class _Leaves(Faulty):
    """Leaves the tokens that a run waited for in its own way."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_leave_tokens", self._leave_some)

    def _leave_some(self, leave: Any, record: Any) -> None:
        if self.leaves(record):
            leave(record)

    def leaves(self, record: Any) -> bool:
        return True


@fault("a_wait_for_a_token_that_was_replaced_counts_no_more")
class ReplacedTokensStillCount(_Leaves):
    def leaves(self, record: Any) -> bool:
        return record.status is not RunStatus.WAITING and super().leaves(record)


@fault("a_completion_changes_no_run_that_is_over")
class ACompletionRevives(Faulty):
    """A run that has waited for a token waits again when that is completed, although it has ended."""

    def spoil(self) -> None:
        super().spoil()
        self._left: dict[str, list[Any]] = {}
        wrap(self._life._waiting, "drop", self._drop_and_remember)
        wrap(self._life.tokens, "_tell", self._revive)

    def _drop_and_remember(self, drop: Any, record: Any) -> None:
        for wait in (record.open_waits or {}).values():
            if isinstance(wait.on, TokenRef):
                self._left.setdefault(wait.on.id, []).append(record)
        drop(record)

    def _revive(self, tell: Any, token: Token, at: datetime) -> None:
        tell(token, at)
        for record in self._left.pop(token.id, ()):
            if record.status.is_final:
                record.status = RunStatus.WAITING


@fault("a_completion_outlives_the_worker_that_waited")
class ReleasedRunsForgetTheirTokens(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_release", self._release_and_forget)

    def _release_and_forget(self, release: Any, record: Any, *rest: Any) -> None:
        release(record, *rest)
        if record.status is RunStatus.WAITING:
            self._life._waiting._leave_tokens(record)
