import gc

import pytest

from buster_tasks.sources.collector import collector_held


def test_it_is_held_until_the_last_one_lets_go() -> None:
    with collector_held():
        with collector_held():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_lets_go() -> None:
    with pytest.raises(ValueError, match="oops"), collector_held():
        raise ValueError("oops")
    assert gc.isenabled()


def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_held():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
