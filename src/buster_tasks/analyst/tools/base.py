"""What a tool is: a name, arguments, the states that it belongs to, and what it does to the analysis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.state import State
from buster_tasks.language_model import ToolSpec


class Arguments(BaseModel):
    """Base of the arguments of all tools; what a model adds beside them is an error that it is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ArgumentsT = TypeVar("ArgumentsT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool gives: `said` is for the model in our own words, `data` text of others for it, marked as such.

    `summary` is for the people who follow the analysis. `moves_to` ends the state.
    """

    said: str
    data: JsonValue = None
    summary: str = ""
    moves_to: State | None = None


class Tool(ABC, Generic[ArgumentsT]):
    """Something that a model may have done. The docstring of a subclass is what the model reads of it."""

    name: ClassVar[str]
    states: ClassVar[frozenset[State]]
    arguments: type[ArgumentsT]

    @property
    def spec(self) -> ToolSpec:
        """The tool as a model is told of it."""
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        return ToolSpec(
            name=self.name, description=" ".join((self.__doc__ or "").split()), parameters=schema
        )

    @abstractmethod
    async def run(self, arguments: ArgumentsT, analysis: Analysis) -> Answer:
        """Do it. Raises ToolRefusedError, of which the model is told."""
