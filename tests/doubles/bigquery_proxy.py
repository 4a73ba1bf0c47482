"""A way to the emulator of BigQuery on which things go wrong as they do in the real one, which the emulator cannot do.

It hands out tokens for keys of service accounts, wants them back, refuses what it is told to with Google's own words,
keeps silent, and remembers what it was asked.
"""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

TOKEN = "canary-token-5d1e"


@dataclass(frozen=True)
class Asked:
    """A request: its method and path, and what its body says."""

    method: str
    path: str
    body: dict[str, Any]
    token: str | None

    @property
    def sql(self) -> str:
        """The statement of a job, empty for anything else."""
        query = self.body.get("configuration", {}).get("query", {})
        return str(query.get("query", ""))

    @property
    def is_dry(self) -> bool:
        """Whether the job is not to be carried out."""
        return bool(self.body.get("configuration", {}).get("dryRun"))


@dataclass(frozen=True)
class Answer:
    """An answer to give instead of the emulator's."""

    status: int
    body: dict[str, Any] | str

    @classmethod
    def error(cls, status: int, reason: str, message: str) -> "Answer":
        """Google's way to say what is wrong."""
        entry = {"message": message, "domain": "global", "reason": reason}
        return cls(status, {"error": {"code": status, "message": message, "errors": [entry]}})


Rule = Callable[[Asked], "Answer | None"]


@dataclass
class Proxy:
    """A running proxy. `rules` are asked in turn what to answer; `silence` holds whatever it is true for."""

    port: int
    target: str
    wants_token: bool = False
    rules: list[Rule] = field(default_factory=list[Rule])
    asked: list[Asked] = field(default_factory=list[Asked])
    silence: Callable[[Asked], bool] = lambda _asked: False
    change: Callable[[Asked, dict[str, Any]], None] = lambda _asked, _answer: None
    token_answer: Answer | None = None
    held: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    open_connections: int = 0
    remembers: bool = False
    _known: dict[str, tuple[str, Answer, dict[str, Answer]]] = field(default_factory=dict[str, Any])
    _alias: dict[str, tuple[str, dict[str, Answer]]] = field(default_factory=dict[str, Any])

    @property
    def endpoint(self) -> str:
        """What `api_endpoint` wants."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_uri(self) -> str:
        """Where keys say that tokens come from."""
        return f"{self.endpoint}/token"

    def refuse(self, text: str, answer: Answer, *, times: int | None = None) -> None:
        """Give this answer to statements and paths that hold the text, so many times."""
        left = [times]

        def rule(asked: Asked) -> Answer | None:
            if text not in asked.sql and text not in asked.path:
                return None
            if left[0] is not None:
                if left[0] == 0:
                    return None
                left[0] -= 1
            return answer

        self.rules.append(rule)

    def answer(self, asked: Asked) -> Answer:
        """What it answers."""
        self.asked.append(asked)
        if asked.path == "/token":
            return self.token_answer or Answer(
                200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            )
        if self.wants_token and asked.token != TOKEN:
            return Answer.error(401, "authError", "Invalid Credentials")
        if self.silence(asked):
            self.held.set()
            self.over.wait(60)
        for rule in self.rules:
            found = rule(asked)
            if found is not None:
                return found
        return self._passed_on(asked)

    def _passed_on(self, asked: Asked) -> Answer:
        """The emulator's answer; for a question about its catalog that it was asked before, the one of that time.

        It takes a second for each. A job that may write makes all be asked again.
        """
        if not self.remembers:
            return self._told(asked)
        if asked.sql and not asked.is_dry:
            if "INFORMATION_SCHEMA" not in asked.sql:
                if not asked.sql.lstrip("( \n").upper().startswith(("SELECT", "WITH", "FROM")):
                    self._known.clear()
                return self._told(asked)
            return self._remembered(asked)
        for new, (old, answers) in list(self._alias.items()):
            if asked.method == "GET" and new in asked.path:
                asked = replace(asked, path=asked.path.replace(new, old))
                told = answers.get(asked.path) or self._told(asked)
                if _is_final(told):
                    answers[asked.path] = told
                return _renamed(told, old, new)
        return self._told(asked)

    def _remembered(self, asked: Asked) -> Answer:
        query = asked.body["configuration"]["query"]
        key = json.dumps([query["query"], query.get("queryParameters")])
        new = asked.body["jobReference"]["jobId"]
        if key not in self._known:
            told = self._told(asked)
            if told.status != 200:
                return told
            self._known[key] = (new, told, {})
        old, told, answers = self._known[key]
        self._alias[new] = (old, answers)
        return _renamed(told, old, new)

    def _told(self, asked: Asked) -> Answer:
        data = json.dumps(asked.body).encode() if asked.method == "POST" else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            self.target + asked.path, data, headers, method=asked.method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                body = json.loads(response.read() or b"{}")
                self.change(asked, body)
                return Answer(response.status, body)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode())
        except urllib.error.URLError as error:
            raise ConnectionError("the emulator is gone") from error


@contextmanager
def bigquery_proxy(target: str, *, remembers: bool = False) -> Iterator[Proxy]:  # noqa: C901 - a class in its whole
    """A proxy before this address."""
    holder: list[Proxy] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            holder[0].open_connections += 1
            super().setup()

        def finish(self) -> None:
            holder[0].open_connections -= 1
            super().finish()

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(self._body())

        def _body(self) -> dict[str, Any]:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Type", "").startswith("application/x-www-form"):
                return dict(parse_qs(text.decode()))
            return json.loads(text or b"{}")

        def _answer(self, body: dict[str, Any]) -> None:
            scheme, _space, token = self.headers.get("Authorization", "").partition(" ")
            asked = Asked(self.command, self.path, body, token if scheme == "Bearer" else None)
            told = holder[0].answer(asked)
            text = told.body if isinstance(told.body, str) else json.dumps(told.body)
            data = text.encode()
            try:
                self.send_response(told.status)
                kind = "text/html" if text.startswith("<") else "application/json"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except ConnectionError:
                self.close_connection = True  # whoever asked is gone

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(server.server_address[1], target, remembers=remembers)
    holder.append(proxy)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _is_final(answer: Answer) -> bool:
    """Whether it is the same however often it is asked for: that of a job which has ended."""
    if not isinstance(answer.body, dict):
        return False
    state = answer.body.get("status", {}).get("state")
    return state == "DONE" or bool(answer.body.get("jobComplete"))


def _renamed(answer: Answer, old: str, new: str) -> Answer:
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return Answer(answer.status, text.replace(old, new))


def path_of(asked: Asked) -> str:
    """The path alone, as it reads."""
    return unquote(asked.path.partition("?")[0])
