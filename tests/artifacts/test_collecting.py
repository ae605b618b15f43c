"""`gc` against a simple model of what must stay: Hypothesis makes up the histories."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from artifacts.champions import Champions
from artifacts.collecting import collect, holdings
from artifacts.errors import ArtifactDamaged, ArtifactMissing, RecordDamaged
from artifacts.executions import Execution
from artifacts.manifest import MANIFEST, describe
from artifacts.runs import Runs
from artifacts.sharing import SHARED_BYTES
from artifacts.store import Encoded, Store
from artifacts.verify import verify

BEGINNING = time.time() - 10**7


def digest(artifact: int) -> str:
    return f"sha256:{artifact:064x}"


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
        self.says: dict[int, int | None] = {}  # execution of a step → what it names by now; None where damaged
        self.crowned: dict[str, list[tuple[int, int]]] = {"champion": [], "shoes": []}  # run and network, rollbacks off
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

    def step(self, artifact: int, made: int | None = None) -> dict[str, object]:
        """Step number `artifact` makes the artifact of that number, or `made`, and writes its execution."""
        made = artifact if made is None else made

        def write(folder: Path) -> None:
            (folder / "own").write_bytes(bytes([made]))
            (folder / "shared").write_bytes(b"x" * SHARED_BYTES)

        output = self.store.put(Encoded("history", digest(made), {}, write))
        execution = Execution({"step": f"step {artifact}"}, {"history": output}, 0.0, {})
        self.store.record(execution)
        for path in (self.store.folder(output.ref), self.store.execution_path(execution.key)):
            self.touch(path)
        self.there.add(made)
        self.used[made] = self.clock
        self.says[artifact] = made
        return {"step": execution.step, "key": execution.key, "outputs": {"history": output.ref.digest}}

    def touch(self, path: Path) -> None:
        os.utime(path, (BEGINNING + self.clock,) * 2)

    @rule(artifact=st.integers(0, 7), made=st.integers(0, 7))
    def make_other_bits(self, artifact: int, made: int) -> None:
        """Another computer runs the step under the same key, and its execution takes the place of the first."""
        self.clock += 100
        self.step(artifact, made)

    @rule(data=st.data())
    def damage_an_execution(self, data: st.DataObject) -> None:
        artifact = data.draw(st.sampled_from(sorted(self.says)))
        path = self.store.execution_path(Execution({"step": f"step {artifact}"}, {}, 0.0, {}).key)
        if path.exists():
            path.write_bytes(b"{}")
            self.touch(path)
            self.says[artifact] = None

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

    @rule(data=st.data(), name=st.sampled_from(["champion", "shoes"]))
    def crown(self, data: st.DataObject, name: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.artifacts_of)))
        model = data.draw(st.sampled_from(sorted(self.there | self.artifacts_of[number])))
        self.reign(name, number, model, "promoted")
        self.crowned[name].append((number, model))

    def reign(self, name: str, number: int, model: int, how: str) -> None:
        champions, record = Champions(self.store), Runs(self.store).get(f"run-{number}")
        champions.crown(name, record, digest(model), how, {}, champions.current(name))

    @rule(name=st.sampled_from(["champion", "shoes"]))
    def roll_back(self, name: str) -> None:
        previous = Champions(self.store).previous(name)
        if len(self.crowned[name]) < 2:
            assert previous is None
            return
        assert previous is not None
        self.crowned[name].pop()
        number, model = self.crowned[name][-1]
        assert (previous.number, previous.model) == (number, digest(model))
        self.reign(name, number, model, "rollback")

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
        """The model: by recipe the last `newest`, the running, the marked, champions and their predecessors.

        Of each of these runs what it made itself, and what its executions name by now.
        """
        reigns = [reign for line in self.crowned.values() for reign in line[-2:]]
        runs = {*self.running, *self.kept, *(number for number, _ in reigns)}
        for recipe in ("quickstart", "mine"):
            numbers = [number for number in sorted(self.artifacts_of) if self.recipe_of[number] == recipe]
            runs |= set(numbers[len(numbers) - min(newest, len(numbers)) :])
        made = {artifact for number in runs for artifact in self.artifacts_of[number]}
        said = {self.says[artifact] for artifact in made} - {None}
        return made | {artifact for artifact in said if artifact is not None} | {model for _, model in reigns}

    @invariant()
    def what_the_model_says_is_there_is_there_and_sound(self) -> None:
        folders = {int(path.name, 16) for path in self.store.artifacts.glob("history/*")}
        assert folders == self.there
        for artifact, said in self.says.items():
            key = Execution({"step": f"step {artifact}"}, {}, 0.0, {}).key
            if said is not None and self.store.execution_path(key).exists():
                assert self.store.sound_execution(key).refs()["history"].digest == digest(said)

    @invariant()
    def the_shared_array_takes_room_once(self) -> None:
        if self.there:
            assert holdings(self.store)["history"].bytes < 2 * SHARED_BYTES


TestCollecting = Collecting.TestCase
TestCollecting.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


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


# -- records that cannot be read


@pytest.fixture
def two_runs(store: Store) -> Iterator[Collecting]:
    """A machine with two runs of one recipe, in the test's store."""
    machine = Collecting()
    machine.store = store
    machine.run("quickstart", {1}, stays=False)
    machine.run("quickstart", {2}, stays=False)
    yield machine
    machine.teardown()


def test_with_a_damaged_run_record_nothing_goes_until_it_is_mended_or_given_up(two_runs: Collecting) -> None:
    store = two_runs.store
    path = Runs(store).path("run-2")
    whole = path.read_bytes()
    path.write_bytes(b"{}")
    with pytest.raises(RecordDamaged, match="expected a run's record.*Nothing was taken away.*Put a good copy"):
        collect(store, keep=1)
    assert len(list(store.artifacts.glob("*/*"))) == 2
    path.write_bytes(whole)
    assert [folder.name for folder in collect(store, keep=1).artifacts] == [digest(1).removeprefix("sha256:")]
    path.unlink()
    assert len(collect(store, keep=1).artifacts) == 1


@pytest.mark.parametrize("why", ["champion", "keep"])
def test_a_run_that_counts_is_not_forgotten_when_its_damaged_record_is_set_aside(
    two_runs: Collecting, why: str
) -> None:
    store = two_runs.store
    runs = Runs(store)
    if why == "keep":
        runs.mark("run-1", kept=True)
    else:
        two_runs.reign("shoes", 1, 1, "promoted")
    runs.path("run-1").write_bytes(b"{}")
    runs.set_damaged_aside()
    said = "marked by `graft keep`" if why == "keep" else "champion `shoes`"
    with pytest.raises(RecordDamaged, match=f"{said}.*set aside as damaged"):
        collect(store, keep=1)
    assert len(list(store.artifacts.glob("*/*"))) == 2


def test_with_a_damaged_champions_record_nothing_goes(two_runs: Collecting) -> None:
    two_runs.reign("shoes", 1, 1, "promoted")
    Champions(two_runs.store).path("shoes").write_bytes(b"{}")
    with pytest.raises(RecordDamaged, match="expected the record of a champion.*graft promote RUN --name shoes"):
        collect(two_runs.store, keep=0)
    assert len(list(two_runs.store.artifacts.glob("*/*"))) == 2


def test_a_champions_network_stays_whatever_its_run_is_on_record_with(two_runs: Collecting) -> None:
    two_runs.step(7)
    two_runs.reign("shoes", 1, 7, "promoted")
    two_runs.reign("shoes", 2, 2, "promoted")
    assert collect(two_runs.store, keep=0).artifacts == []


def test_what_a_kept_runs_execution_names_by_now_stays_so_that_it_can_be_hit(two_runs: Collecting) -> None:
    two_runs.make_other_bits(2, 5)
    assert {path.name for path in collect(two_runs.store, keep=1).artifacts} == {digest(1).removeprefix("sha256:")}


# -- a past run is what its own record says


def test_a_past_run_keeps_its_own_bits_when_the_step_makes_others_under_the_same_key(two_runs: Collecting) -> None:
    two_runs.make_other_bits(2, 5)
    run = two_runs.store.run("2")
    assert run.ref("step 2", "history").digest == digest(2)
    assert (run.folder("step 2", "history") / "own").read_bytes() == bytes([2])


def test_a_past_run_does_without_an_execution_that_is_damaged_or_gone(two_runs: Collecting) -> None:
    run = two_runs.store.run("2")
    path = two_runs.store.execution_path(run.keys["step 2"])
    for damage in (lambda: path.write_bytes(b"{}"), path.unlink):
        damage()
        assert (run.folder("step 2", "history") / "own").read_bytes() == bytes([2])


def test_where_a_runs_own_bits_are_gone_and_others_have_their_place_it_says_so(two_runs: Collecting) -> None:
    run = two_runs.store.run("2")
    two_runs.make_other_bits(2, 5)
    shutil.rmtree(two_runs.store.folder(run.ref("step 2", "history")))
    with pytest.raises(ArtifactMissing, match="under the same key, and made other bits"):
        run.folder("step 2", "history")


def test_a_manifest_that_is_not_the_one_that_the_execution_names_is_not_believed(two_runs: Collecting) -> None:
    run, store = two_runs.store.run("2"), two_runs.store
    folder = store.folder(run.ref("step 2", "history"))
    (folder / "own").write_bytes(b"!")
    files = describe(folder, "history", digest(2), {})
    (folder / MANIFEST).write_bytes(files.to_bytes())
    with pytest.raises(ArtifactDamaged):
        run.folder("step 2", "history")
