"""Sections about the command: what a run costs beside its trainings, cached or nearly so, and how soon it answers."""

import shutil
from collections.abc import Callable
from functools import partial

from artifacts.store import Store
from tests.benchmarks.bench import Bench, Done, Place, side
from tests.benchmarks.results import Comparison, Findings, Side, Target
from tests.benchmarks.training_sections import fashion_mnist, settings
from tests.flows.many_runs import multiply

EMPTY_FLOW = "an empty Prefect flow"
IMPORT_PREFECT = "`import prefect`"


# -- one change


def one_change(bench: Bench) -> Findings:
    """Another learning rate for the fine-tuning, all before it stored, against the same by hand and a cached run."""
    fashion_mnist()
    place = bench.place("change")
    recipe = ["fashion-mnist-dense", *settings(bench)]
    bench.say("one cold run first …")
    run = bench.graft(place, "run", *recipe, "--json").result["run"]
    rates = iter(f"{1e-4 + number * 1e-6:.6f}" for number in range(1, 1000))
    rate = next(rates)

    def changed() -> Done:
        done = bench.graft(place, "run", *recipe, "--set", f"fine_tune.learning_rate={next(rates)}", "--json")
        ran = [entry["step"] for entry in done.result["steps"] if entry["status"] == "ran"]
        if ran != ["fine_tune", "evaluate", "figures", "report"]:
            raise RuntimeError(f"Expected fine_tune and what follows to run, {ran} did.")
        return done

    calls = {
        "changed": changed,
        "by hand": partial(bench.script, "by_hand", run, rate, **place.environment),
        "cached": cached_call(bench, place, *recipe),
    }
    done = bench.in_turns(calls)
    parts = zip(done["by hand"], done["cached"], strict=True)
    under = Side("the three steps by hand + a cached run", [one.seconds + two.seconds for one, two in parts])
    what = "`graft run` with another `fine_tune.learning_rate`"
    hand, again = side("by hand", done["by hand"]).median, side("cached", done["cached"]).median
    notes = [f"By hand {hand:.1f} s, a cached run {again:.1f} s: each a process of its own."]
    return Findings([Comparison(what, side("`graft run`", done["changed"]), under, Target(at_most=1.2))], notes=notes)


# -- cached


def cached(bench: Bench) -> Findings:
    """A run in which every step is a hit, against an empty flow; each starts its server and stops it."""
    recipe, place = bench.quickstart
    home = bench.folder / "empty-flow"
    calls = _cached_and_empty(bench, place, recipe, PREFECT_HOME=str(home))
    return _cached(bench, calls, "whole processes, embedded server included", Target(at_most=0.8))


def cached_running(bench: Bench) -> Findings:
    """The same against a server that is running already."""
    recipe, place = bench.quickstart
    with bench.running_server(bench.folder / "server") as url:
        calls = _cached_and_empty(bench, place, recipe, PREFECT_HOME=str(bench.folder / "client"), PREFECT_API_URL=url)
        return _cached(bench, calls, "whole processes, the server running already", Target(at_most=1.2))


def cached_call(bench: Bench, place: Place, *recipe: str, **changes: str) -> Callable[[], Done]:
    """A call of `graft run` that makes sure that every step was a hit, and takes its record away again."""

    def call() -> Done:
        done = bench.graft(place, "run", *recipe, "--json", **changes)
        ran = [entry["step"] for entry in done.result["steps"] if entry["status"] != "hit"]
        if ran != ["report"]:
            raise RuntimeError(f"Expected hits only, {ran} ran.")
        shutil.rmtree(place.store / "runs" / done.result["run"])
        return done

    return call


def _cached_and_empty(bench: Bench, place: Place, recipe: str, **changes: str) -> dict[str, Callable[[], Done]]:
    """Both calls. PREFECT_HOME is the empty flow's; graft has its own home, and hears of a running server only."""
    for_graft = {name: value for name, value in changes.items() if name != "PREFECT_HOME"}
    return {
        "`graft run`, cached": cached_call(bench, place, recipe, **for_graft),
        EMPTY_FLOW: partial(bench.script, "plain_flow", **changes),
    }


def _cached(bench: Bench, calls: dict[str, Callable[[], Done]], what: str, target: Target) -> Findings:
    bench.say("each once, unmeasured …")
    for call in calls.values():
        call()
    ours, theirs = (side(label, done) for label, done in bench.in_turns(calls, bench.short_repeats).items())
    return Findings([Comparison(what, ours, theirs, target)])


# -- how soon the command answers


def cli(bench: Bench) -> Findings:
    """`graft --help`, and `graft plan` in a store with many runs, against an import of Prefect."""
    number = 30 if bench.quick else 1000
    recipe, place = store_of(bench, number)
    calls = {
        "`graft --help`": partial(bench.graft, place, "--help"),
        f"`graft plan`, {number:,} runs": partial(bench.graft, place, "plan", recipe),
        IMPORT_PREFECT: partial(bench.python, "-c", "import prefect"),
    }
    for call in calls.values():
        call()
    done = {label: side(label, runs) for label, runs in bench.in_turns(calls, bench.short_repeats).items()}
    help_, plan, theirs = done.values()
    return Findings(
        [
            Comparison("the help", help_, theirs, Target(at_most=0.5)),
            Comparison(f"a plan in a store with {number:,} runs", plan, theirs, Target(at_most=1.5)),
        ]
    )


def store_of(bench: Bench, number: int) -> tuple[str, Place]:
    """The tiny recipe, and a place where it ran `number` times with seeds of its own."""
    recipe, tiny = bench.tiny
    place = bench.place(f"runs-{number}", like=tiny)
    multiply(Store(place.store), number)
    return recipe, place
