"""What SQLite may do on our connections: SQLite asks for each thing that a statement would need.

Writing to tables is stopped by the read-only connection itself (some virtual tables prepare such statements just to be
read); here stands all that would reach beyond the open file, or change what the connection may do.
"""

from __future__ import annotations

import sqlite3

_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
}
_REFUSED_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
_READING_PRAGMAS = {
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "module_list",
    "page_count",
    "page_size",
    "schema_version",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
}
_PRAGMAS_OF_AN_OBJECT = {
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
}


def may_run(
    action: int, first: str | None, second: str | None, _database: str | None, _origin: str | None
) -> int:
    """SQLite's question, and the answer SQLITE_OK or SQLITE_DENY."""
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and not _only_reads(first or "", second):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _REFUSED_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _only_reads(pragma: str, argument: str | None) -> bool:
    name = pragma.lower()
    return name in _READING_PRAGMAS and (argument is None or name in _PRAGMAS_OF_AN_OBJECT)
