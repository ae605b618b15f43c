"""Real flows under Prefect's test harness, on a tiny recipe, in a store of their own."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from artifacts.store import Store
from flows.cli import _guarded
from flows.garbage import settle
from tests.flows.quick import quick_fit, quick_pictures
from tests.flows.tiny import write_tiny_recipe


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prefect's test server, one a session. It does not isolate result storage, so that is set too."""
    from prefect.settings import (
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOGGING_TO_API_ENABLED,
        PREFECT_RESULTS_LOCAL_STORAGE_PATH,
        temporary_settings,
    )
    from prefect.testing.utilities import prefect_test_harness

    settings: dict[Any, Any] = {
        PREFECT_RESULTS_LOCAL_STORAGE_PATH: tmp_path_factory.mktemp("results"),
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        PREFECT_LOGGING_TO_API_ENABLED: False,
    }
    with prefect_test_harness(server_startup_timeout=120), temporary_settings(settings):
        settle()  # before any test's own; fixtures of a session have runs, too
        yield


@pytest.fixture
def served(harness: None) -> dict[str, str]:
    """Environment that sends `graft` to the server of this session's harness."""
    from prefect.settings import PREFECT_API_URL

    return {"PREFECT_API_URL": str(PREFECT_API_URL.value())}


@pytest.fixture(scope="session", autouse=True)
def threads_of_the_steps() -> None:
    """TensorFlow on the threads of the steps, whichever test needs it first: `verify` alone would start it on others,
    and every flow after it in this process would be refused."""
    from tasks.device import prepare

    prepare()
    import tensorflow

    tensorflow.zeros(1)  # from here on they are fixed


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store; `GRAFT_STORE` points to it."""
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "store"))
    return Store()


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    """Path of a recipe that runs in a second or two: two tasks over a small npz, a tiny CNN with dropout."""
    return str(write_tiny_recipe(tmp_path))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and pictures are stand-ins."""
    from tasks.pure import fitting, pictures

    monkeypatch.setattr(fitting, "fit", quick_fit)
    monkeypatch.setattr(pictures, "draw", quick_pictures)


Run = Callable[..., dict[str, Any]]
Command = Callable[..., str]


@pytest.fixture
def run(harness: None) -> Run:
    """`run(recipe, {overrides}, force=[…])` → what the flow returns, steps by name under `by_step`."""
    from flows.transfer_learning import transfer_learning

    def call(recipe: str, overrides: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        result = transfer_learning(recipe, overrides or {}, **options)
        return {**result, "by_step": {entry["step"]: entry for entry in result["steps"]}}

    return call


@pytest.fixture(scope="session")
def finished_store(harness: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny recipe and the store that one run of it left."""
    from flows.transfer_learning import transfer_learning

    folder = tmp_path_factory.mktemp("finished")
    recipe = write_tiny_recipe(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_STORE", str(folder / "store"))
        transfer_learning(str(recipe))
    return folder


@pytest.fixture
def finished(finished_store: Path, tmp_path: Path, store: Store) -> str:
    """The tiny recipe, already run once in this test's own copy of the store. Returns the recipe's path."""
    shutil.copytree(finished_store / "store", store.root)
    return str(finished_store / "tiny.yaml")


@pytest.fixture(scope="session")
def two_store(finished_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two runs of the tiny recipe, the second with another learning rate."""
    from flows.transfer_learning import transfer_learning

    root = tmp_path_factory.mktemp("two") / "store"
    shutil.copytree(finished_store / "store", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_STORE", str(root))
        transfer_learning(str(finished_store / "tiny.yaml"), {"fine_tune.learning_rate": 0.05})
    return root


@pytest.fixture
def two(two_store: Path, finished_store: Path, store: Store) -> str:
    """This test's own copy of the store with two runs. Returns the recipe's path."""
    shutil.copytree(two_store, store.root)
    return str(finished_store / "tiny.yaml")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """`command("runs", "--json")` → what it prints; it must succeed."""

    def call(*arguments: str, code: int = 0) -> str:
        assert _guarded(list(arguments)) == code, capsys.readouterr().err
        out, err = capsys.readouterr()
        return out if code == 0 else err

    return call
