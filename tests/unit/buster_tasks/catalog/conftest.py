from pathlib import Path

import pytest

from buster_tasks.catalog import CatalogStore


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog.db")
