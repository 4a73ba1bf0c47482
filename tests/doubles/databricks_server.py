"""The process of the double: `python -m tests.doubles.databricks_server [port of a Spark Thrift Server]`.

It prints its port when it listens, and ends when its input does.
"""

import sys
import threading
from typing import Any

from tests.doubles.databricks_wire import Door, Service, http_server


def main() -> None:
    service: Any
    if len(sys.argv) > 1:
        from tests.doubles.databricks_proxy import SparkService

        service = SparkService(int(sys.argv[1]))
    else:
        from tests.doubles.databricks_engine import DuckdbEngine

        service = Service(DuckdbEngine())
    server = http_server(service, Door())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
