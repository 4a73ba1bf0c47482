import pytest
from hypothesis import given, strategies as st

from buster_tasks.catalog.words import MOST_WORDS, indexed_name, indexed_text, terms_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("order_items", "order items orderitems"),
        ("OrderItems", "order items orderitems"),
        ("HTTPServerId", "http server id httpserverid"),
        ("order details", "order details orderdetails"),
        ("address1", "address 1 address1"),
        ("email", "email"),
        ("größeÄndern", "grösse ändern grösseändern"),
        ("ДатаЗаказа", "дата заказа датазаказа"),
        ("", ""),
        ("👍", ""),
    ],
)
def test_names_are_parted_into_words(name: str, words: str) -> None:
    assert indexed_name(name) == words


def test_scripts_without_spaces_are_taken_letter_by_letter_and_asked_for_as_phrases() -> None:
    assert indexed_text("顧客番号 id") == "顧 客 番 号 id"
    assert terms_of("顧客 id") == ['"顧 客"', '"id"']


def test_a_question_is_short_and_says_nothing_twice() -> None:
    assert terms_of("id ID Id") == ['"id"']
    assert len(terms_of(" ".join(f"w{chr(97 + n)}" for n in range(26)))) == MOST_WORDS


@given(st.text())
def test_whatever_is_asked_is_no_syntax_of_the_search(text: str) -> None:
    for term in terms_of(text):
        assert term.startswith('"')
        assert term.endswith('"')
        assert '"' not in term[1:-1]


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_is_read_as_all_other_text(text: str) -> None:
    others = indexed_text(text + " é").removesuffix("é").strip()
    assert indexed_text(text).split() == others.split()
