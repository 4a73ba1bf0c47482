"""PostgreSQL's other way to call a function: `(value).pg_read_file` means pg_read_file(value), if it is no field."""

from __future__ import annotations

from sqlglot import exp

from buster_tasks.sql_guard import calls
from buster_tasks.sql_guard.dialect import Dialect, words

_PREFIXES = ("binary_upgrade_", "dblink", "pg_", "pgrowlocks", "pgstat", "postgres_fdw_")
# Of one argument, and more than computing. Names that a field may well have, such as `name`, are types: a cast.
_FUNCTIONS = words("""
bt_index_check bt_index_parent_check connectby crosstab crosstab2 crosstab3 crosstab4 current_schemas current_setting
currval gen_salt get_raw_page gin_clean_pending_list http http_delete http_get http_head lo_close lo_creat lo_create
lo_export lo_from_bytea lo_get lo_import lo_open lo_put lo_tell lo_tell64 lo_truncate lo_unlink mxid_age nextval
obj_description query_to_xml regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc
regprocedure regrole regtype row_security_active set_config setseed setval to_regclass to_regcollation to_regnamespace
to_regoper to_regoperator to_regproc to_regprocedure to_regrole to_regtype ts_debug ts_stat ts_token_type
txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_status
""")
_WRAPPING = (exp.Paren, exp.Bracket)
_PLAIN = (exp.Array, exp.Binary, exp.Boolean, exp.Literal, exp.Null, exp.Unary)


def check(node: exp.Column | exp.Dot, dialect: Dialect) -> None:
    """Raise RefusedError for a name behind a dot that is a function which does not only compute.

    Behind what may have fields these are the database's own: a function of a user, called in this way, looks as a field
    does. Behind a plain value all are refused that are not on the list.
    """
    field = node.this if isinstance(node, exp.Column) else node.expression
    if not isinstance(field, exp.Identifier) or (isinstance(node, exp.Column) and not node.table):
        return
    name = field.name if field.args.get("quoted") else field.name.lower()
    if name in dialect.functions:
        return
    if name.startswith(_PREFIXES) or name in _FUNCTIONS:
        raise calls.not_allowed(name)
    if isinstance(node, exp.Dot) and not _may_have_fields(node.this):
        raise calls.not_allowed(name)


def _may_have_fields(value: exp.Expr) -> bool:
    """Whether it may be a row: a number, a text or a list of them has no fields."""
    while isinstance(value, _WRAPPING):
        value = value.this
    if isinstance(value, exp.Cast):
        return bool(value.to.this == exp.DType.USERDEFINED)
    return isinstance(value, exp.Dot) or not isinstance(value, _PLAIN)
