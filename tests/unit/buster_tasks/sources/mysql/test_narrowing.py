import re
from fnmatch import fnmatchcase

from hypothesis import given, strategies as st

from buster_tasks.sources.mysql.narrowing import of_databases, of_kept, of_tables
from buster_tasks.sources.schema import Filters

LETTERS = "ab*?[]!-|%_\\."


def like(pattern: str, name: str) -> bool:
    """LIKE with `|` as its escape."""
    parts = re.findall(r"\|.|.", pattern, re.DOTALL)
    regular = "".join({"%": ".*", "_": "."}.get(part, re.escape(part[-1])) for part in parts)
    return re.fullmatch(regular, name, re.DOTALL) is not None


@given(st.text(LETTERS, max_size=8), st.text(LETTERS, max_size=8))
def test_the_server_keeps_all_that_a_glob_matches(glob: str, name: str) -> None:
    pattern = of_tables(Filters(tables=[glob])).parameters[-1]
    assert like(pattern, glob)
    if fnmatchcase(name, glob):
        assert like(pattern, name)


def test_names_are_bound_and_never_in_the_text() -> None:
    nasty = "a'; DROP TABLE t; -- {x} %s `"
    condition = of_tables(Filters(databases=[nasty], schemas=[nasty], tables=[nasty, "b"]))
    text = condition.on("S", "T")
    assert "DROP" not in text
    assert text.count("%s") == len(condition.parameters)
    kept = of_kept([(nasty, nasty)], all_of_them=False)
    assert kept.on("S", "T") == "S IN (%s) AND T IN (%s)"
    assert kept.parameters == (nasty, nasty)


def test_the_servers_own_databases_are_left_out() -> None:
    condition = of_databases(Filters())
    assert condition.on("S") == "S NOT IN (%s, %s, %s, %s)"
    assert set(condition.parameters) == {"information_schema", "performance_schema", "mysql", "sys"}


def test_very_many_names_are_not_listed() -> None:
    places = [("d", f"t{number}") for number in range(6_000)]
    assert of_kept(places, all_of_them=False).parameters == ("d",)
    assert of_kept(places[:3], all_of_them=True).parameters == ("d",)
