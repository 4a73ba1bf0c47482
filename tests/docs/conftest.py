"""Runs the Python blocks of a page as a reader would: in order, in one namespace and one event loop."""

import ast
import asyncio
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from buster_tasks import analyst_agent_task, introspect_data
from taskkit.definition.registry import REGISTRY


class BlockRunner:
    """Runs one block; `await` may stand at the top level of it."""

    def __init__(self, loop: asyncio.Runner) -> None:
        self._loop = loop

    def __call__(self, block: Example) -> None:
        # the empty lines make a traceback show the line of the page
        source = "\n" * (block.line + block.parsed.line_offset) + block.parsed
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(source, block.path, "exec", flags, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            self._loop.run(eval(code, block.namespace))
        else:
            exec(code, block.namespace)


@contextmanager
def page_module(path: Path) -> Iterator[ModuleType]:
    """A module of the page's own, where classes and annotations written in it can be looked up."""
    module = ModuleType(f"page_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        yield module
    finally:
        del sys.modules[module.__name__]


@contextmanager
def environment() -> Iterator[None]:
    """What a page sets in the environment ends with it."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_blocks(path: Path) -> int:
    # imported before, and only an import registers
    shipped = (introspect_data.definition, analyst_agent_task.definition)
    with environment(), asyncio.Runner() as loop, page_module(path) as module, REGISTRY.isolated():
        for definition in shipped:
            REGISTRY.add(definition)
        blocks = CodeBlockParser("python", BlockRunner(loop))
        page = Document.parse(str(path), blocks, SkipParser())
        page.namespace = vars(module)
        examples = list(page.examples())
        for example in examples:
            example.evaluate()
        return sum(isinstance(example.region.evaluator, BlockRunner) for example in examples)


@pytest.fixture
def run_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], int]]:
    """Runs each block of a page, in an empty folder and with no task defined; says how many."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)  # a page may set one, for itself
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    with chdir(tmp_path):
        yield run_blocks
