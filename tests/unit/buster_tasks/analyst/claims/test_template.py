"""Claims with their places filled in."""

from hypothesis import given, strategies as st

from buster_tasks.analyst.claims.template import fill


def test_places_are_filled_and_the_rest_is_told() -> None:
    filled = fill("{{a}} and {{ b }}, {{c}}", {"a": "1", "b": "2", "d": "4"})
    assert (filled.text, filled.unknown, filled.unused) == ("1 and 2, {{c}}", ["c"], ["d"])


def test_a_text_with_a_place_in_it_is_no_place() -> None:
    assert fill("{{a}}{{b}}", {"a": "{{b}}", "b": "2"}).text == "{{b}}2"


def test_what_is_no_name_is_told_too() -> None:
    assert fill("{{a + b}} {{}}", {"a": "1"}).unknown == ["a + b", ""]


def test_a_word_for_less_takes_the_minus() -> None:
    texts = {"change": "-5%", "money": "-$12"}
    assert (
        fill("It fell by {{change}}, a loss of {{money}}.", texts).text
        == "It fell by 5%, a loss of $12."
    )
    assert fill("The change is {{change}}.", texts).text == "The change is -5%."


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=5), st.text(max_size=20)))
def test_any_text_is_filled(claim: str, texts: dict[str, str]) -> None:
    filled = fill(claim, texts)
    assert set(filled.unused) <= set(texts)
    if "{{" not in claim:
        assert filled.text == claim
