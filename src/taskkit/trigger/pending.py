"""A wait that has been asked for but not yet awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, TypeVar

ResultT = TypeVar("ResultT")
OutputT = TypeVar("OutputT")


class Pending(Coroutine[Any, Any, ResultT], Generic[ResultT, OutputT]):
    """Await it for the result, or await `.unwrap()` for the output.

    It is a coroutine: create_task, TaskGroup.create_task, gather and anyio take it, so several waits can
    run in parallel. Like a coroutine it does nothing until it is awaited, and can be awaited once.
    """

    __slots__ = ("__name__", "__qualname__", "_inner", "_unwrap")

    def __init__(
        self, inner: Coroutine[Any, Any, ResultT], unwrap: Callable[[ResultT], OutputT], name: str
    ) -> None:
        self._inner = inner
        self._unwrap = unwrap
        self.__name__ = self.__qualname__ = name

    def unwrap(self) -> Pending[OutputT, OutputT]:
        """The same wait for the output itself; awaiting it raises where the result is not ok."""
        return Pending(_unwrapped(self._inner, self._unwrap), _itself, f"{self.__name__}.unwrap")

    def __await__(self) -> Generator[Any, Any, ResultT]:
        return self._inner.__await__()

    def send(self, value: Any) -> Any:
        return self._inner.send(value)

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        error = typ if isinstance(typ, BaseException) else val
        if isinstance(error, BaseException):
            return self._inner.throw(error)
        return self._inner.throw(typ)  # a class, by the older form of throw

    def close(self) -> None:
        self._inner.close()

    def __repr__(self) -> str:
        return f"<Pending {self.__name__}>"


async def _unwrapped(
    inner: Coroutine[Any, Any, ResultT], unwrap: Callable[[ResultT], OutputT]
) -> OutputT:
    return unwrap(await inner)


def _itself(value: OutputT) -> OutputT:
    return value
