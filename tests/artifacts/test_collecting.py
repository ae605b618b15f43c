"""`gc` against a simple model of what must stay: Hypothesis makes up the histories."""

import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from artifacts.champions import Champions
from artifacts.collecting import collect, holdings
from artifacts.executions import Execution
from artifacts.runs import Runs
from artifacts.sharing import SHARED_BYTES
from artifacts.store import Encoded, Store
from artifacts.verify import verify

BEGINNING = time.time() - 10**7


class Collecting(RuleBasedStateMachine):
    """Runs of two recipes over a small pool of artifacts, a clock that only these rules move."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.store = Store(root / "store")
        self.clock = 0
        self.artifacts_of: dict[int, set[int]] = {}  # run → artifacts, in the model
        self.recipe_of: dict[int, str] = {}
        self.used: dict[int, int] = {}  # artifact → when it was made or used last
        self.there: set[int] = set()
        self.kept: set[int] = set()
        self.crowned: list[int] = []
        self.running: dict[int, tuple[ExitStack, int]] = {}

    def teardown(self) -> None:
        for stack, _ in self.running.values():
            stack.close()
        self.stack.close()

    @initialize()
    def begin(self) -> None:
        self.run("quickstart", {0, 1}, stays=False)

    @rule(recipe=st.sampled_from(["quickstart", "mine"]), artifacts=st.sets(st.integers(0, 7), min_size=1, max_size=3),
          stays=st.booleans())  # fmt: skip
    def run(self, recipe: str, artifacts: set[int], stays: bool) -> None:
        """A run that makes or hits these artifacts; one that `stays` goes on running."""
        self.clock += 100
        number, runs = len(self.artifacts_of) + 1, Runs(self.store)
        alive = ExitStack()
        alive.enter_context(runs.alive(f"run-{number}"))
        record = runs.open(f"run-{number}", recipe, recipe, {}, {}, name=f"run {number}")
        began = datetime.fromtimestamp(BEGINNING + self.clock, UTC).isoformat(timespec="seconds")
        record = runs.update(record, started=began)
        self.clock += 100
        steps = [self.step(artifact) for artifact in sorted(artifacts)]
        record = runs.update(record, steps=steps)
        if stays:
            self.running[number] = (alive, self.clock - 100)
        else:
            runs.update(record, state="completed")
            alive.close()
        self.artifacts_of[number], self.recipe_of[number] = artifacts, recipe

    def step(self, artifact: int) -> dict[str, object]:
        def write(folder: Path) -> None:
            (folder / "own").write_bytes(bytes([artifact]))
            (folder / "shared").write_bytes(b"x" * SHARED_BYTES)

        output = self.store.put(Encoded("history", f"sha256:{artifact:064x}", {}, write))
        execution = Execution({"step": f"step {artifact}"}, {"history": output}, 0.0, {})
        self.store.record(execution)
        for path in (self.store.folder(output.ref), self.store.execution_path(execution.key)):
            os.utime(path, (BEGINNING + self.clock,) * 2)
        self.there.add(artifact)
        self.used[artifact] = self.clock
        return {"step": execution.step, "key": execution.key, "outputs": {"history": output.ref.digest}}

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.running)))
        runs = Runs(self.store)
        runs.update(runs.get(f"run-{number}"), state="completed")
        self.running.pop(number)[0].close()

    @rule(data=st.data(), undo=st.booleans())
    def keep(self, data: st.DataObject, undo: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.artifacts_of)))
        Runs(self.store).mark(f"run-{number}", kept=not undo)
        self.kept = self.kept - {number} if undo else self.kept | {number}

    @rule(data=st.data())
    def crown(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.artifacts_of)))
        champions = Champions(self.store)
        champions.crown(
            "champion", Runs(self.store).get(f"run-{number}"), "sha256:00", "promoted", {}, champions.current()
        )
        self.crowned.append(number)

    @rule(newest=st.integers(0, 3), dry_run=st.booleans(), days=st.none() | st.integers(0, 200))
    def collect(self, newest: int, dry_run: bool, days: int | None) -> None:
        must_stay = self.must_stay(newest)
        age = None if days is None else days * 10 + 5  # never at the very second of a use
        older_than = None if age is None else time.time() - BEGINNING - self.clock + age
        cutoff = min([float("inf"), *(start for _, start in self.running.values())])
        if age is not None:
            cutoff = min(cutoff, self.clock - age)
        garbage = collect(self.store, newest, older_than, dry_run=dry_run)
        goes = {artifact for artifact in self.there if artifact not in must_stay and self.used[artifact] < cutoff - 2}
        assert {int(path.name, 16) for path in garbage.artifacts} == goes
        if not dry_run:
            self.there -= goes

    def must_stay(self, newest: int) -> set[int]:
        """The model: by recipe the last `newest`, the running, the marked, the champion and its predecessor."""
        runs = {*self.running, *self.kept, *self.crowned[-2:]}
        for recipe in ("quickstart", "mine"):
            numbers = [number for number in sorted(self.artifacts_of) if self.recipe_of[number] == recipe]
            runs |= set(numbers[len(numbers) - min(newest, len(numbers)) :])
        return {artifact for number in runs for artifact in self.artifacts_of[number]}

    @invariant()
    def what_the_model_says_is_there_is_there_and_sound(self) -> None:
        folders = {int(path.name, 16) for path in self.store.artifacts.glob("history/*")}
        assert folders == self.there
        for path in self.store.executions.glob("*.json"):
            self.store.sound_execution(f"sha256:{path.stem}")

    @invariant()
    def the_shared_array_takes_room_once(self) -> None:
        if self.there:
            assert holdings(self.store)["history"].bytes < 2 * SHARED_BYTES


TestCollecting = Collecting.TestCase
TestCollecting.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)


def test_what_becomes_free_is_what_no_kept_artifact_shares(store: Store) -> None:
    machine = Collecting()
    machine.store = store
    machine.run("quickstart", {1, 2}, stays=False)
    machine.run("quickstart", {2, 3}, stays=False)
    garbage = collect(store, keep=1, dry_run=True)
    size = sum(path.stat().st_size for folder in garbage.artifacts for path in folder.iterdir())
    assert len(garbage.artifacts) == 1
    assert 0 < garbage.bytes < SHARED_BYTES < size
    machine.teardown()


def test_collecting_leaves_a_store_that_verifies_and_an_empty_one_alone(store: Store, dataset: Encoded) -> None:
    store.put(dataset)
    time.sleep(0.01)
    assert len(collect(store, keep=0).artifacts) == 1
    assert verify(store).problems == []
    shutil.rmtree(store.root)
    assert collect(store, keep=1).artifacts == []
