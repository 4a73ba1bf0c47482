"""Finding task modules in the folders that the configuration names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from taskkit.errors import InvalidConfigError, TaskkitError


def discover(dirs: Sequence[str | Path], root: Path) -> list[str]:
    """Import every task module under `dirs` (relative to `root`) and give their names, in order of path.

    Left out are names that begin with `_` or `.`, and tests. A module that was imported already is not
    imported again. Modules of a package are imported by its name, others by their path from `root`, which
    is put on the import path. InvalidConfigError names the file that is missing or cannot be imported.
    """
    root = root.resolve()
    names: dict[str, None] = {}
    for entry in dirs:
        folder = (root / entry).resolve()
        if not folder.is_dir():
            raise InvalidConfigError(
                f"dirs names {str(entry)!r}, but there is no folder {folder}. Folders are relative to {root}.",
                key="dirs",
            )
        _make_importable(root)
        for file in _task_files(folder):
            names[_imported(file, root)] = None
    return list(names)


def import_file(file: Path, root: Path) -> str:
    """Import one task module, as `discover` does, and give its name."""
    _make_importable(root.resolve())
    return _imported(file.resolve(), root.resolve())


def _task_files(folder: Path) -> Iterator[Path]:
    if (folder / "__init__.py").is_file():
        yield folder / "__init__.py"
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir() and path.name not in ("tests", "test"):
            yield from _task_files(path)
        elif path.suffix == ".py" and not _is_test(path):
            yield path


def _is_test(file: Path) -> bool:
    return (
        file.stem.startswith("test_")
        or file.stem.endswith("_test")
        or file.stem in ("conftest", "setup")
    )


def _imported(file: Path, root: Path) -> str:
    loaded = _loaded_from(file)
    if loaded is not None:
        return loaded
    name = _module_name(file, root)
    try:
        if name is not None:
            importlib.import_module(name)
            return name
        return _imported_by_path(file)
    except TaskkitError:
        raise  # ours name their place themselves
    except (Exception, SystemExit) as error:
        raise InvalidConfigError(
            f"The task module {file} cannot be imported: {type(error).__name__}: {error}. Import it yourself to "
            f"see where, or keep it out of `dirs` with a name that begins with _.",
            file=str(file),
            key="dirs",
        ) from error


def _loaded_from(file: Path) -> str | None:
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.endswith(file.name) and Path(path).resolve() == file:
            return name
    return None


def _module_name(file: Path, root: Path) -> str | None:
    """The name by which Python finds this very file; None when there is none."""
    import importlib.util  # a module that only discovery needs

    top = file.parent
    while (top / "__init__.py").is_file():
        top = top.parent
    in_package = top != file.parent
    if in_package:
        _make_importable(top)
    base = top if in_package else root
    if not file.is_relative_to(base):
        return None
    parts = file.relative_to(base).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    if not parts or not all(part.isidentifier() for part in parts):
        return None
    name = ".".join(parts)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None if not in_package else name
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != file:
        return None
    return name


def _imported_by_path(file: Path) -> str:
    import importlib.machinery
    import importlib.util  # two modules that only discovery needs

    name = f"taskkit_dirs_{sha256(str(file).encode()).hexdigest()[:8]}_{file.stem}"
    loader = importlib.machinery.SourceFileLoader(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return name


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
