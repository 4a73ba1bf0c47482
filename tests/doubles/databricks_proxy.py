"""A protocol adapter in front of a Spark Thrift Server: what Databricks' driver asks, as open-source Spark answers.

Spark speaks an older version of the protocol: without parameters, direct results and Arrow, with rows that are fetched
without the description of their columns. Parameters are written into the statement here, for Spark alone.
"""

import re
import threading
from collections.abc import Mapping
from typing import Any

from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

_VERSION = ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8
_HIVE = ttypes.TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V8
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`]|``)*`|:([a-z]\w*)")


class SparkService:
    """Answers the calls of TCLIService with what Spark says to them."""

    engine: Any = None

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()
        self._sessions: dict[bytes, str] = {}
        self.user = threading.local()

    def told(self, user: str) -> dict[str, Any]:
        """How many sessions a user has."""
        return {"sessions": sum(1 for name in self._sessions.values() if name == user)}

    def OpenSession(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        asked = ttypes.TOpenSessionReq(
            client_protocol=_HIVE, configuration={}, username=self.user.name
        )
        answer = self._spark().OpenSession(asked)
        answer.serverProtocolVersion = _VERSION
        answer.canUseMultipleCatalogs = True
        if answer.sessionHandle is not None:
            answer.sessionHandle.serverProtocolVersion = _VERSION
            self._sessions[answer.sessionHandle.sessionId.guid] = self.user.name
        return answer

    def CloseSession(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self._sessions.pop(request.sessionHandle.sessionId.guid, None)
        return self._spark().CloseSession(request)

    def ExecuteStatement(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        known = {one.name: one.value.stringValue for one in request.parameters or ()}
        asked = ttypes.TExecuteStatementReq(
            sessionHandle=request.sessionHandle,
            statement=_written_out(request.statement, known),
            runAsync=True,
            confOverlay={},
        )
        return self._spark().ExecuteStatement(asked)

    def GetColumns(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        asked = ttypes.TGetColumnsReq(
            sessionHandle=request.sessionHandle,
            schemaName=request.schemaName,
            tableName=request.tableName,
            columnName=request.columnName,
        )
        return self._spark().GetColumns(asked)

    def GetOperationStatus(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        answer = self._spark().GetOperationStatus(
            ttypes.TGetOperationStatusReq(operationHandle=request.operationHandle)
        )
        answer.displayMessage = answer.errorMessage
        return answer

    def GetResultSetMetadata(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        return self._metadata(request.operationHandle)

    def FetchResults(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        asked = ttypes.TFetchResultsReq(
            operationHandle=request.operationHandle,
            orientation=ttypes.TFetchOrientation.FETCH_NEXT,
            maxRows=request.maxRows,
        )
        answer = self._spark().FetchResults(asked)
        answer.resultSetMetadata = self._metadata(request.operationHandle)
        if answer.results is not None:
            # Spark says always that there is no more
            answer.hasMoreRows = bool(_count(answer.results))
            if answer.results.columns is None:  # of a statement that has no result
                width = len(answer.resultSetMetadata.schema.columns)
                answer.results.columns = [_empty() for _ in range(width)]
        return answer

    def CancelOperation(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        return self._spark().CancelOperation(request)

    def CloseOperation(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        return self._spark().CloseOperation(request)

    def _metadata(self, handle: Any) -> Any:
        asked = ttypes.TGetResultSetMetadataReq(operationHandle=handle)
        answer = self._spark().GetResultSetMetadata(asked)
        answer.resultFormat = ttypes.TSparkRowSetType.COLUMN_BASED_SET
        return answer

    def _spark(self) -> Any:
        """A connection of this thread's own."""
        if not hasattr(self._local, "client"):
            transport = TBufferedTransport(TSocket("127.0.0.1", self._port))
            transport.open()
            self._local.client = TCLIService.Client(TBinaryProtocol(transport))
        return self._local.client


def _count(rows: Any) -> int:
    for column in rows.columns or ():
        holder = next(one for one in vars(column).values() if one is not None)
        return len(holder.values)
    return 0


def _empty() -> Any:
    return ttypes.TColumn(stringVal=ttypes.TStringColumn([], b"\0"))


def _written_out(sql: str, known: Mapping[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        if match[1] is None or match[1] not in known:
            return match[0]
        text = known[match[1]].replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"

    return _TOKEN.sub(put, sql) if known else sql
