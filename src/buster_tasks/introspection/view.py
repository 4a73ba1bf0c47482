"""A run of `introspect-data` in the terminal: a tree of what was found, with counts, and the issues below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from buster_tasks.errors import CatalogError
from buster_tasks.introspection.models import IntrospectDataOutput
from buster_tasks.sources.schema import Introspection, Issue, Table, View
from taskkit import Run

MOST_RELATIONS = 200
MOST_ISSUES = 20
_GUIDES = "dim"

_Place = tuple[str, str, str]


def tree(run: Run) -> RenderableType | None:
    """What the run found, or why it found nothing; None where it has no output."""
    if run.output_json is None:
        return None
    output = IntrospectDataOutput.model_validate_json(run.output_json)
    parts: list[RenderableType] = [_structure(output)]
    shown = output.issues[:MOST_ISSUES]
    if shown:
        parts.append(Text())
    parts.extend(_issue(issue) for issue in shown)
    if len(output.issues) > len(shown):
        parts.append(Text(f"and {len(output.issues) - len(shown):,} more issues", "dim"))
    if not output.complete and output.success:
        parts.append(Text("Not everything that was asked for could be read.", "yellow"))
    if output.snapshot_id is not None:
        parts.append(Text.assemble(("snapshot  ", "dim"), output.snapshot_id))
    if output.stream is not None:
        parts.append(
            Text.assemble(("JSON  ", "dim"), f"the parts of the run's stream {output.stream}")
        )
    return Group(*parts)


def _structure(output: IntrospectDataOutput) -> RenderableType:
    error = output.error
    if error is not None:
        name = (_shown(output.data_source_name), "bold")
        line = Text.assemble(name, ("  the source could not be read", "bold red"))
        return Group(line, _told(error.code, "bold red", error.message, error.fix))
    found = output.introspection or _kept(output)
    counts = output.counts or {}
    kind = f"{found.data_source_type}  " if found else ""
    parts = (_counted(counts.get(what, 0), what) for what in ("tables", "columns", "views"))
    title = _line(output.data_source_name, "bold", kind + ", ".join(parts))
    if found is None:
        return title
    # what no output could hold is no tree that anybody reads
    most = MOST_RELATIONS if output.introspection else 0
    return _Drawing(found, most).under(title)


def _kept(output: IntrospectDataOutput) -> Introspection | None:
    """What the catalog of this machine has of it: that of the worker may be another."""
    if output.snapshot_id is None:
        return None
    from buster_tasks.catalog import CatalogStore  # needs SQLite, now only

    try:
        return CatalogStore().get(output.snapshot_id).introspection
    except CatalogError:
        return None


class _Drawing:
    """The tree of one introspection: databases, their schemas, and so many of the tables and views of these."""

    def __init__(self, found: Introspection, most: int) -> None:
        self._found = found
        self._columns: Counter[_Place] = Counter(
            (column.database, column.schema_name, column.table) for column in found.columns
        )
        self._most = self._left = most

    def under(self, title: Text) -> Tree:
        root = Tree(title, guide_style=_GUIDES)
        schemas = self._schemas()
        for database in dict.fromkeys(
            [*(database.name for database in self._found.databases), *(name for name, _ in schemas)]
        ):
            branch = root.add(_line(database, "bold"))
            for owner, schema in schemas:
                if owner == database:
                    self._add_schema(branch, database, schema)
        return root

    def _schemas(self) -> list[tuple[str, str]]:
        """Each database with each of its schemas; also those that only their tables tell of."""
        named = [(schema.database, schema.name) for schema in self._found.schemas]
        relations = [*self._found.tables, *self._found.views]
        return list(
            dict.fromkeys([*named, *((one.database, one.schema_name) for one in relations)])
        )

    def _add_schema(self, branch: Tree, database: str, schema: str) -> None:
        every: list[Table | View] = [*self._found.tables, *self._found.views]
        relations = [one for one in every if (one.database, one.schema_name) == (database, schema)]
        tables = sum(isinstance(one, Table) for one in relations)
        counts = _counted(tables, "tables")
        if len(relations) > tables:
            counts += f", {_counted(len(relations) - tables, 'views')}"
        under = branch.add(_line(schema, "cyan", counts))
        shown = relations[: self._left]
        self._left -= len(shown)
        for line in self._lines(shown):
            under.add(line)
        if self._most and len(relations) > len(shown):
            under.add(Text(f"and {len(relations) - len(shown):,} more", "dim"))

    def _lines(self, relations: Sequence[Table | View]) -> Iterator[Text]:
        for one in relations:
            columns = self._columns[one.database, one.schema_name, one.name]
            style = "green" if isinstance(one, Table) else "magenta"
            yield _line(one.name, style, f"{_rows(one)}, {_counted(columns, 'columns')}")


def _line(name: str, style: str, counts: str = "") -> Text:
    """A name and its counts; where a terminal is too narrow for both, the end of the counts is cut."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(_shown(name), style=style)
    return line.append(f"  {counts}", style="dim") if counts else line


def _rows(one: Table | View) -> str:
    if isinstance(one, View):
        return "materialized view" if one.is_materialized else "view"
    kind = "" if one.type == "TABLE" else f"{one.type.replace('_', ' ').lower()}, "
    if one.row_count is None:
        return f"{kind}? rows"
    about = "~" if one.row_count_kind == "estimate" else ""
    return f"{kind}{about}{_counted(one.row_count, 'rows')}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what[:-1] if number == 1 else what}"


def _issue(issue: Issue) -> RenderableType:
    return _told(issue.code, "yellow", issue.message, issue.fix)


def _told(code: str, style: str, message: str, fix: str) -> RenderableType:
    """A code and a sentence, the next step below."""
    lines: list[RenderableType] = [Text.assemble((code, style), f"  {_shown(message)}")]
    if fix:
        lines.append(Padding(Text(_shown(fix), "dim"), (0, 0, 0, 2), expand=False))
    return Group(*lines)


def _shown(text: str) -> str:
    """Text without what would steer the terminal, end the line or turn its direction."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
