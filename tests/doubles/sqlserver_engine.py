"""What the double does with T-SQL: sqlglot makes DuckDB's SQL of it, and a `Catalog` for each database knows `sys`."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from tests.doubles.sqlserver_catalog import Catalog, duckdb_type, quoted
from tests.doubles.sqlserver_wire import Kind, TdsError

VERSION = "16.0.4135.4"
_PLAIN_COUNT = 1_000


@dataclass
class Account:
    """A login: which databases it may enter, and what it may not ask of their catalogs.

    `denied` has tables of `sys` with the number of the error for asking them, `shown` a query in the place of one.
    """

    password: str
    databases: list[str] | None = None
    denied: dict[str, int] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    rights: list[str] | None = None


class Engine:
    """All databases of the double, and who may log in."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.lock = threading.Lock()
        self.catalogs: dict[str, Catalog] = {}
        self.accounts: dict[str, Account] = {}
        self.settings = {"edition": "Developer Edition (64-bit)", "engine": "3", "version": VERSION}
        self.create_database("master")
        self.connection.execute(
            "CREATE TABLE master.sys.databases (name TEXT, database_id INT, create_date TIMESTAMP, "
            "collation_name TEXT, compatibility_level INT, state INT DEFAULT 0, owner_sid BLOB)"
        )
        self._list("master")

    def create_database(self, name: str) -> None:
        self.catalogs[name] = Catalog(self.connection, name)
        if name != "master":
            self._list(name)

    def _list(self, name: str) -> None:
        self.connection.execute(
            "INSERT INTO master.sys.databases (name, database_id, create_date, collation_name, compatibility_level, "
            "owner_sid) VALUES (?, ?, '2024-01-02 03:04:05', 'SQL_Latin1_General_CP1_CI_AS', 160, 'x01'::BLOB)",
            [name, len(self.catalogs) if name == "master" else len(self.catalogs) + 4],
        )

    def administer(self, database: str, statements: Sequence[str]) -> None:
        """Carry out CREATE, INSERT, COMMENT ON and DROP TABLE statements of T-SQL."""
        with self.lock:
            for text in statements:
                self._administer(self.catalogs[database], text)

    def _administer(self, catalog: Catalog, text: str) -> None:
        text = text.replace("CREATE CLUSTERED INDEX", "CREATE INDEX /*CLUSTERED*/")
        tree = sqlglot.parse_one(text, read="tsql")
        match tree:
            case exp.Create(kind="SCHEMA"):
                catalog.create_schema(tree.this.db or tree.this.name)
            case exp.Create(kind="TABLE"):
                catalog.create_table(tree.this.this, tree.this.expressions)
            case exp.Create(kind="VIEW"):
                self._view(catalog, tree, text)
            case exp.Create(kind="INDEX"):
                kind = "CLUSTERED" if "/*CLUSTERED*/" in text else ""
                catalog.create_index(tree.this, unique=bool(tree.args.get("unique")), kind=kind)
            case exp.Comment():
                self._comment(catalog, tree)
            case _:
                self.connection.execute(f"USE {quoted(catalog.name)}.dbo")
                self.connection.execute(translate(tree, {}, None).sql("duckdb"))
                if isinstance(tree, exp.Insert):
                    catalog.recount(tree.find(exp.Table))

    def _view(self, catalog: Catalog, tree: exp.Create, text: str) -> None:
        table = tree.find(exp.Table)
        place = f"{quoted(catalog.name)}.{quoted(table.db or 'dbo')}.{quoted(table.name)}"
        self.connection.execute(f"USE {quoted(catalog.name)}.dbo")
        query = translate(tree.expression, {}, None).sql("duckdb")
        self.connection.execute(f"CREATE VIEW {place} AS {query}")
        described = self.connection.execute(f"DESCRIBE {place}").fetchall()
        catalog.create_view(table, text, [(name, kind) for name, kind, *_rest in described])

    def _comment(self, catalog: Catalog, tree: exp.Comment) -> None:
        if tree.args["kind"] == "COLUMN":
            column = tree.this
            table = exp.Table(
                this=exp.to_identifier(column.table), db=exp.to_identifier(column.args["db"].name)
            )
            catalog.comment(table, column.name, tree.expression.name)
        else:
            catalog.comment(tree.this, None, tree.expression.name)


def translate(tree: Any, parameters: dict[str, Any], session: "Session | None") -> Any:
    """The statement as DuckDB wants it, and with what depends on the session in it."""

    def one(node: Any) -> Any:
        match node:
            case exp.National():
                return exp.Literal.string(node.name)
            case exp.DataType():
                return exp.DataType.build(duckdb_type(node), dialect="duckdb")
            case exp.HexString():
                return exp.func("UNHEX", exp.Literal.string(node.name))
            case exp.Ordered():
                node.set("nulls_first", None)
            case exp.Parameter():
                return _parameter(node, parameters, session)
            case exp.Lateral() | exp.Join() if session is not None:
                return _histogram(node)
            case exp.Table() if session is not None:
                return session.table(node)
            case exp.Func() if session is not None:
                return session.call(node)
        return node

    # what a pass puts in the place of a node it does not look into
    return tree.copy().transform(_without_case).transform(one)


def _without_case(node: Any) -> Any:
    """The collation of these databases ignores case; one that a statement names is DuckDB's own."""
    if isinstance(node, exp.Collate):
        return node.this
    return (
        exp.ILike(this=node.this, expression=node.expression)
        if isinstance(node, exp.Like)
        else node
    )


def _histogram(node: Any) -> Any:
    """CROSS APPLY of the function that gives the steps of a histogram: a join of the table that has them here."""
    call = node.find(exp.Anonymous)
    if (
        not isinstance(node, exp.Join)
        or call is None
        or call.name.lower() != "dm_db_stats_histogram"
    ):
        return node
    table, number = (part.sql("duckdb") for part in call.expressions)
    text = f"SELECT 1 FROM x JOIN sys.stats_histogram AS h ON h.object_id = {table} AND h.stats_id = {number}"
    return sqlglot.parse_one(text, read="duckdb").args["joins"][0]


def _parameter(node: exp.Parameter, parameters: dict[str, Any], session: "Session | None") -> Any:
    if isinstance(node.this, exp.Parameter):
        facts = {"VERSION": f"Microsoft SQL Server 2022 - {VERSION}", "SPID": 51, "TRANCOUNT": 1}
        return exp.convert(facts.get(node.this.name.upper()))
    if node.name not in parameters:
        raise TdsError(137, f'Must declare the scalar variable "@{node.name}".', 15)
    return exp.convert(parameters[node.name])


class Session:
    """One connection's statements, in the transaction that it has open."""

    def __init__(self, engine: Engine, login: str, database: str, *, reads_only: bool) -> None:
        self.engine, self.login, self.database, self.reads_only = (
            engine,
            login,
            database,
            reads_only,
        )
        self.cursor = engine.connection.cursor()
        self.account = engine.accounts[login]
        self.statement: str | None = None
        self.is_in_transaction = False
        self.use(database)

    def use(self, database: str) -> None:
        self.database = database
        self.cursor.execute(f"USE {quoted(database)}.dbo")

    def begin(self) -> None:
        self.end("COMMIT")
        self.cursor.execute("BEGIN TRANSACTION")
        self.is_in_transaction = True

    def end(self, word: str) -> None:
        if self.is_in_transaction:
            self.is_in_transaction = False
            self.cursor.execute(word)

    def execute(self, text: str, parameters: dict[str, Any]) -> list[tuple[str, Kind]] | None:
        """The columns of what the statement gives, None without; `cursor` has the rows. Raises TdsError."""
        word = text.strip().split(None, 1)[0].upper() if text.strip() else ""
        if word in ("SET", "IF", ""):
            return None
        if word == "USE":
            self.use(text.strip().split(None, 1)[1].strip(' ;[]"'))
            return None
        try:
            trees = [tree for tree in sqlglot.parse(text, read="tsql") if tree is not None]
            sql = translate(trees[0], parameters, self).sql("duckdb")
        except (sqlglot.errors.SqlglotError, IndexError) as error:
            raise TdsError(102, f"Incorrect syntax: {str(error)[:200]}", 15) from error
        if isinstance(trees[0], exp.Create | exp.Drop | exp.Alter):
            raise TdsError(262, "CREATE permission denied in database.", 14)
        return self._run(sql, is_query=isinstance(trees[0], exp.Query))

    def _run(self, sql: str, *, is_query: bool) -> list[tuple[str, Kind]] | None:
        try:
            self.cursor.execute(sql)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise _error(error) from error
        if not is_query:
            return None
        return [(name, Kind(str(kind))) for name, kind, *_rest in self.cursor.description or []]

    def rows(self) -> list[tuple[Any, ...]]:
        return self.cursor.fetchmany(_PLAIN_COUNT)

    def may_enter(self, database: str) -> bool:
        return self.account.databases is None or database in self.account.databases

    def table(self, node: exp.Table) -> Any:
        """The table in its own database; one of `sys` as the login may see it."""
        if node.db.lower() != "sys":
            if node.catalog and not self.may_enter(node.catalog):
                raise TdsError(
                    916,
                    f'The server principal "{self.login}" is not able to access the database.',
                    14,
                )
            return node
        name = node.name.lower()
        if name in self.account.denied:
            number = self.account.denied[name]
            raise TdsError(
                number, f"Permission was denied on object '{name}', database '{self.database}'.", 14
            )
        catalog = "master" if name == "databases" else node.catalog or self.database
        if self.engine.settings["engine"] == "5" and node.catalog not in ("", self.database):
            raise TdsError(40515, "Reference to database and/or server name is not supported.")
        place = exp.table_(name, db="sys", catalog=catalog, quoted=True)
        if name in self.account.shown:
            text = self.account.shown[name].replace("{}", place.sql("duckdb"))
            place = exp.Subquery(this=sqlglot.parse_one(text, read="duckdb"))
        place.set("alias", node.args.get("alias"))
        return place

    def call(self, node: Any) -> Any:
        """What a function of the server's tells, as a literal or an expression of DuckDB's."""
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
        made = _CALLS.get(name)
        given = list(node.expressions) or [
            one for one in (node.args.get("this"),) if isinstance(one, exp.Expression)
        ]
        return node if made is None else made(self, given)


def _quotename(_session: Session, given: list[Any]) -> Any:
    return exp.func("CONCAT", exp.Literal.string("["), given[0], exp.Literal.string("]"))


def _property(session: Session, given: list[Any]) -> Any:
    settings = session.engine.settings
    facts = {
        "ProductVersion": settings["version"],
        "Edition": settings["edition"],
        "EngineEdition": settings["engine"],
    }
    return exp.convert(facts.get(given[0].name))


def _has_access(session: Session, given: list[Any]) -> Any:
    names = session.account.databases or list(session.engine.catalogs)
    return sqlglot.parse_one(
        f"CASE WHEN {given[0].sql('duckdb')} IN ({', '.join(repr(name) for name in names)}) THEN 1 ELSE 0 END",
        read="duckdb",
    )


def _has_right(session: Session, given: list[Any]) -> Any:
    rights = session.account.rights
    return exp.convert(int(rights is None or given[2].name in rights))


def _data_length(_session: Session, given: list[Any]) -> Any:
    """Bytes; texts have two for each character."""
    value = given[0].sql("duckdb")
    return sqlglot.parse_one(
        f"CASE typeof({value}) WHEN 'BLOB' THEN octet_length(CAST({value} AS BLOB)) "
        f"ELSE 2 * length(CAST({value} AS VARCHAR)) END",
        read="duckdb",
    )


# SUSER_SNAME is CURRENT_USER to sqlglot; with an argument it is the owner of something.
_CALLS: dict[str, Callable[[Session, list[Any]], Any]] = {
    "DB_NAME": lambda session, _given: exp.convert(session.database),
    "CURRENT_USER": lambda session, given: exp.convert("sa" if given else session.login),
    "SERVERPROPERTY": _property,
    "DATABASEPROPERTYEX": lambda _session, _given: exp.convert("SQL_Latin1_General_CP1_CI_AS"),
    "QUOTENAME": _quotename,
    "DATALENGTH": _data_length,
    "HAS_DBACCESS": _has_access,
    "HAS_PERMS_BY_NAME": _has_right,
}


def _error(error: duckdb.Error) -> TdsError:
    text = str(error).split("\n", 1)[0]
    match error:
        case duckdb.CatalogException():
            return TdsError(208, f"Invalid object name. {text}")
        case duckdb.BinderException():
            return TdsError(207, f"Invalid column name. {text}")
        case duckdb.ParserException():
            return TdsError(102, f"Incorrect syntax. {text}", 15)
        case duckdb.ConversionException():
            return TdsError(245, f"Conversion failed. {text}")
    return TdsError(50000, text)
