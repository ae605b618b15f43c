"""One `graft up` a session (and worker of xdist): it costs ten seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.operating.station import Station


@pytest.fixture(scope="session")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A running `graft up`, with an empty store."""
    made = Station(tmp_path_factory.mktemp("station"))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Station]:
    """A station that is not started yet, for tests that end it themselves."""
    made = Station(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def store_of_the_station(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`GRAFT_STORE` in this process is the station's, not the empty one of `tests/flows/conftest.py`."""
    for name in ("station", "fresh"):
        if name in request.fixturenames:
            monkeypatch.setenv("GRAFT_STORE", str(request.getfixturevalue(name).store.root))
