"""The messages of a state: they have a greatest length, and each answer of a tool keeps the call that it answers."""

from hypothesis import given, strategies as st

from buster_tasks.analyst.conversation import trimmed
from buster_tasks.language_model import Message, ToolCall

START = (Message.system("You analyse."), Message.user("How many?"))


def turn(number: int, answers: list[str], *, arguments: str = "{}") -> list[Message]:
    """A reply with as many calls as answers, and those."""
    calls = tuple(
        ToolCall(id=f"call_{number}_{at}", name="run_sql", arguments=arguments)
        for at in range(len(answers))
    )
    told = [Message.tool(call.id, text) for call, text in zip(calls, answers, strict=True)]
    return [Message.assistant("", calls), *told]


def size(messages: list[Message]) -> int:
    return sum(
        len(one.content) + sum(len(call.arguments) for call in one.tool_calls) for one in messages
    )


def ids(messages: list[Message]) -> list[tuple[str, ...]]:
    """Calls and what they are answered by, in order."""
    return [
        tuple(call.id for call in one.tool_calls) if one.tool_calls else (one.tool_call_id or "",)
        for one in messages
    ]


def test_what_fits_is_as_it_was() -> None:
    messages = [*START, *turn(1, ["one"]), *turn(2, ["two"])]
    assert trimmed(messages, 1_000) == messages


def test_the_oldest_answers_are_shortened_first_and_keep_their_first_line() -> None:
    long = "Result r1: 9 rows.\n" + "x" * 1_000
    messages = [*START, *turn(1, [long]), *turn(2, [long]), *turn(3, [long])]
    kept = trimmed(messages, 2_400)
    assert kept[3].content == "Result r1: 9 rows. (left out: it was long)"
    assert kept[5].content == long
    assert kept[7].content == long


def test_what_nobody_has_read_yet_stays_whole() -> None:
    long = "y" * 5_000
    messages = [*START, *turn(1, [long]), *turn(2, [long, long, long])]
    assert [one.content for one in trimmed(messages, 100)[-3:]] == [long] * 3


def test_long_arguments_and_texts_of_old_replies_are_shortened_too() -> None:
    sql = '{"sql": "' + "a" * 9_000 + '"}'
    old = [*turn(1, ["ok"], arguments=sql), Message.assistant("t" * 9_000), Message.user("Go on.")]
    kept = trimmed([*START, *old, *turn(2, ["ok"])], 3_000)
    assert kept[2].tool_calls[0].parse() == {"left_out": "it was long"}
    assert len(kept[4].content) < 300


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 5_000), min_size=1, max_size=4), st.integers(0, 5_000)),
        max_size=12,
    ),
    st.integers(500, 20_000),
)
def test_no_answer_loses_its_call_and_only_the_last_turn_is_beyond_the_limit(
    turns: list[tuple[list[int], int]], most: int
) -> None:
    messages = list(START)
    for number, (lengths, arguments) in enumerate(turns):
        answers = ["z" * length for length in lengths]
        messages += turn(number, answers, arguments='"' + "q" * arguments + '"')
    kept = trimmed(messages, most)
    assert ids(kept) == ids(messages)
    assert kept[:2] == list(START)
    last = len(turns[-1][0]) + 1 if turns else 0
    smallest = 300 * sum(len(lengths) + 1 for lengths, _ in turns)
    assert size(kept[: len(kept) - last]) <= max(most, smallest)
    assert size(kept) <= size(messages)
