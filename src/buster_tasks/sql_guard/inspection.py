"""Whether every node of a tree is one that only reads: its kind, its functions, its relations, its hints."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from buster_tasks.sql_guard import calls, dot_calls, hints, recursion, relations as reading
from buster_tasks.sql_guard.dialect import Dialect
from buster_tasks.sql_guard.nodes import NODES
from buster_tasks.sql_guard.verdict import Code, RefusedError

_ROOTS = (exp.Query, exp.Values, exp.Pivot)
_WRITES = (exp.Command, exp.DDL, exp.Delete, exp.Insert, exp.Merge, exp.Update)
_VARIABLES = (exp.Parameter, exp.SessionParameter, exp.Placeholder)
_FIXES = {
    "Into": "Leave INTO out: the result is handed over as it is.",
    "Lock": "Leave FOR UPDATE, FOR SHARE and LOCK IN out: nothing is locked.",
    "QueryTransform": "Leave TRANSFORM ... USING out: programs are not run.",
    "DynamicIdentifier": "Write the name itself instead of IDENTIFIER(...).",
    "NextValueFor": "Leave NEXT VALUE FOR out: it moves a sequence.",
}
_ODD = re.compile(r"[^\w$@#]")
_SEQUENCE = {"nextval", "currval"}
_SAMPLES = {"BERNOULLI", "BLOCK", "RESERVOIR", "ROW", "SYSTEM"}


class Inspection:
    """The check of trees by the lists of a dialect; `check` raises RefusedError for what is on none of them."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        relations: frozenset[tuple[str, ...]] | None,
        functions: frozenset[str],
    ) -> None:
        self._dialect = dialect
        self._relations = relations
        self._functions = functions

    def check(self, tree: exp.Expr) -> None:
        """Raise RefusedError unless the tree only reads."""
        if not isinstance(tree, _ROOTS):
            raise RefusedError(
                Code.NOT_A_READ,
                f"The source is only read, and the statement is {_kind(tree)}.",
                "Send one SELECT statement.",
            )
        for node in self._nodes(tree):
            self._check_node(node)

    def _nodes(self, tree: exp.Expr) -> Iterator[exp.Expr]:
        """All nodes, but for the insides of hints, which are checked by their words."""
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            yield node
            if not isinstance(node, hints.HINTS):
                waiting.extend(node.iter_expressions())

    def _check_node(self, node: exp.Expr) -> None:
        if isinstance(node, _VARIABLES):
            self._check_variable(node)
        elif isinstance(node, exp.Func):
            calls.check(node, self._dialect, self._functions)
        elif type(node).__name__ not in NODES:
            raise _not_allowed(node)
        elif isinstance(node, exp.Table):
            reading.check(node, self._dialect, self._relations)
        elif isinstance(node, hints.HINTS):
            hints.check(node, self._dialect)
        elif isinstance(node, exp.Identifier):
            self._check_name(node)
        elif isinstance(node, (exp.Column, exp.Dot)):
            self._check_column(node)
        elif isinstance(node, exp.CTE):
            recursion.check(node)
        elif isinstance(node, (exp.ForClause, exp.In, exp.Operator, exp.TableSample)):
            _check_inside(node, self._dialect)

    def _check_variable(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Parameter) and self._is_numbered(node.name):
            return
        raise self._variable(node)

    def _is_numbered(self, name: str) -> bool:
        """Whether it is a column by its number, such as `$1` of VALUES, and no variable."""
        return self._dialect.name == "snowflake" and name.isdecimal()

    def _variable(self, node: exp.Expr) -> RefusedError:
        return RefusedError(
            Code.VARIABLE_NOT_ALLOWED,
            f"{_shown(node, self._dialect)} is a variable or a parameter, and there are none.",
            "Write the value itself into the SQL.",
        )

    def _check_name(self, node: exp.Identifier) -> None:
        name = node.name
        if node.args.get("quoted"):
            return
        if name.upper() in self._dialect.reserved:
            raise RefusedError(
                Code.SEVERAL_STATEMENTS,
                f"{name} begins a statement of its own in this dialect.",
                "Leave it out, or quote it where it is a name.",
            )
        if _ODD.search(name.replace("-", "") if self._dialect.name == "bigquery" else name):
            raise RefusedError(
                Code.SYNTAX_NOT_ALLOWED,
                f"{name[:80]!r} has characters that a plain name does not have.",
                "Quote it where it is a name, and leave the characters out where not.",
            )
        if name.startswith(("$", "@")) and not self._is_numbered(name[1:]):
            raise self._variable(node)

    def _check_column(self, node: exp.Column | exp.Dot) -> None:
        if self._dialect.calls_by_dot:
            dot_calls.check(node, self._dialect)
        if isinstance(node, exp.Dot):
            return
        name = node.name.lower()
        quoted = isinstance(node.this, exp.Identifier) and node.this.args.get("quoted")
        if node.table and name in _SEQUENCE and not quoted:
            raise RefusedError(
                Code.FUNCTION_NOT_ALLOWED,
                f"{node.table}.{node.name} moves or reads a sequence.",
                "Leave it out; quote the name if it is that of a column.",
            )
        if not node.table and name in self._dialect.niladic and not quoted:
            raise calls.not_allowed(name)


def _check_inside(node: exp.Expr, dialect: Dialect) -> None:
    """Raise RefusedError for operators and ways to sample of one's own, FOR that locks, IN before a table's name."""
    if isinstance(node, exp.In):
        reading.check_membership(node, dialect)
        return
    if isinstance(node, exp.TableSample):
        bad = str(node.args.get("method") or "SYSTEM").upper() not in _SAMPLES
    elif isinstance(node, exp.Operator):
        operator = node.args.get("operator")
        bad = not str(operator).lower().lstrip('"').startswith("pg_catalog")
    else:
        bad = str(node.args.get("kind")).upper() not in {"XML", "JSON"}
    if bad:
        raise _not_allowed(node)


def _not_allowed(node: exp.Expr) -> RefusedError:
    name = type(node).__name__
    code = Code.NOT_A_READ if isinstance(node, _WRITES) or name == "Into" else None
    return RefusedError(
        code or Code.SYNTAX_NOT_ALLOWED,
        f"The source is only read by plain queries, and {_kind(node)} is in the SQL.",
        _FIXES.get(name, "Write it as a SELECT without this part."),
    )


def _kind(node: exp.Expr) -> str:
    """What a node is called, such as `Delete` or `Command KILL`."""
    name = type(node).__name__
    return f"{name} {str(node.this)[:40]}" if name == "Command" else name


def _shown(node: exp.Expr, dialect: Dialect) -> str:
    return node.sql(dialect.name, comments=False)[:60]
