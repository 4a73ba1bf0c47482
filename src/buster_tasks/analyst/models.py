"""What `analyst-agent-task` takes and gives: snake_case in Python, camelCase on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator
from pydantic_core import PydanticCustomError

from buster_tasks.analyst.findings import Artifact, Check, Finding, Plan
from buster_tasks.analyst.state import State
from buster_tasks.introspection.models import WireModel
from buster_tasks.sources.credentials import Credentials

Status = Literal[
    "completed", "completed_with_warnings", "needs_clarification", "refused", "canceled", "failed"
]
ErrorCode = Literal["AGENT_EXECUTION_ERROR", "INVALID_INPUT", "DATA_SOURCE_ERROR", "TIMEOUT"]

MOST_CHARACTERS = 20_000
"""How long a question may be."""

OFFLINE = "offline"
"""The name of the model that needs no provider."""


class AnalystDataSource(WireModel):
    """A data source by its name. Without credentials they are looked up by the name, as the docs say."""

    name: Annotated[str, Field(min_length=1)]
    type: str | None = None
    credentials: Credentials | None = None


class PreviousMessage(WireModel):
    """A message of the conversation up to now."""

    role: Literal["user", "assistant", "system"]
    content: str
    timestamp: datetime | None = None


class AnalystContext(WireModel):
    """The conversation that the question belongs to; findings of earlier answers come with their ids.

    With the `resume_token` of an analysis that asked something the query is the answer to that.
    """

    thread_id: str | None = None
    resume_token: str | None = None
    previous_messages: list[PreviousMessage] = Field(default_factory=list[PreviousMessage])
    previous_findings: list[Finding] = Field(default_factory=list[Finding])


class AnalystLimits(WireModel):
    """The most that may be taken; time in seconds, money in US dollars. None is no limit of its own."""

    statements: Annotated[int, Field(ge=1)] = 60
    rows: Annotated[int, Field(ge=1)] = 1_000
    model_rows: Annotated[int, Field(ge=1)] = 50
    cell_characters: Annotated[int, Field(ge=20)] = 500
    statement_seconds: Annotated[float, Field(gt=0)] = 60.0
    tokens: Annotated[int, Field(ge=0)] | None = None
    cost_usd: Annotated[float, Field(ge=0)] | None = None


class AnalystModels(WireModel):
    """A model for each role, where it is not the one of `model`."""

    prepare: str | None = None
    analyse: str | None = None
    review: str | None = None


class AnalystOptions(WireModel):
    """How to work. `model` is any model string of litellm, or `offline`; None is the configured one.

    `max_steps` is how often the model is asked, at most; `timeout_ms` ends all of it earlier than the task would.
    """

    max_steps: Annotated[int, Field(ge=1)] = 40
    timeout_ms: Annotated[int, Field(ge=1)] | None = None
    model: str | None = None
    models: AnalystModels = AnalystModels()
    enable_streaming: bool = True
    allow_clarification: bool = True
    report: bool = True
    limits: AnalystLimits = AnalystLimits()


class AnalystAgentTaskInput(WireModel):
    """A question, whose it is, and the data that may answer it."""

    session_id: str
    user_id: str
    query: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    data_sources: list[AnalystDataSource] = Field(default_factory=list[AnalystDataSource])
    context: AnalystContext | None = None
    options: AnalystOptions | None = None

    @field_validator("session_id", "user_id", "query", mode="after")
    @classmethod
    def _said(cls, text: str) -> str:
        if not text.strip():
            raise PydanticCustomError("text_missing", "It is required, and must not be blank")
        return text

    @field_validator("data_sources", mode="after")
    @classmethod
    def _distinct(cls, sources: list[AnalystDataSource]) -> list[AnalystDataSource]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise PydanticCustomError(
                "name_twice", "Two data sources have the name {name}", {"name": repr(twice[0])}
            )
        return sources


class ExecutionStep(WireModel):
    """Something that was done: a call of a tool, and how it went. `seconds` is how long it took."""

    number: int
    state: State
    tool: str
    summary: str
    ok: bool = True
    seconds: float = 0.0


class AnalystUsage(WireModel):
    """What it took. `cost_usd` is None where nobody knows the price of a call."""

    model_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    statements: int = 0
    seconds: dict[str, float] = Field(default_factory=dict[str, float])


class Report(WireModel):
    """The whole answer as text, and as one page that needs no other file."""

    markdown: str
    html: str


class AnalystResult(WireModel):
    """The answer: `response` is Markdown, of verified findings alone but for what it marks as not verified."""

    status: Status
    response: str
    findings: list[Finding] = Field(default_factory=list[Finding])
    artifacts: list[Artifact] = Field(default_factory=list[Artifact])
    used_data_sources: list[str] = Field(default_factory=list[str])
    execution_steps: list[ExecutionStep] = Field(default_factory=list[ExecutionStep])
    plan: Plan | None = None
    assumptions: list[str] = Field(default_factory=list[str])
    warnings: list[Check] = Field(default_factory=list[Check])
    report: Report | None = None
    clarification: str | None = None
    resume_token: str | None = None


class AnalystErrorDetail(WireModel):
    """Why there is no answer, or no whole one."""

    code: ErrorCode
    message: str
    fix: str = ""
    details: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class AnalystMetadata(WireModel):
    """How it went: the states in order, the models, and what they took."""

    states: list[State] = Field(default_factory=list[State])
    model: str = ""
    usage: AnalystUsage = AnalystUsage()


class AnalystAgentTaskOutput(WireModel):
    """The answer, or why there is none; after a failure or a cut `result` has what was found until then."""

    success: bool
    session_id: str
    result: AnalystResult | None = None
    error: AnalystErrorDetail | None = None
    metadata: AnalystMetadata = AnalystMetadata()
