"""`graft show`: one run, or one step of it, in full."""

from collections.abc import Mapping
from typing import Any

from artifacts.executions import Execution
from artifacts.past import TRAININGS, PastRun
from artifacts.refs import Ref
from flows.dag import STEPS, edges
from flows.recipe import Recipe
from flows.runs_list import interval, row, when
from flows.study.answering import answer, command, trial_of
from flows.suggestions import named
from flows.tuned import lines as tuned_lines

SHORT = 12


def short(ref: Ref | str) -> str:
    """The beginning of a digest, enough to name it."""
    digest = ref.digest if isinstance(ref, Ref) else ref
    return digest.removeprefix("sha256:")[:SHORT]


def run_json(run: PastRun) -> dict[str, Any]:
    """A run whole: the line of `graft runs`, its steps, its verdict and the recipe as resolved."""
    record = run.record
    return {
        **row(record),
        "message": record.message,
        "verdict": list(record.verdict),
        "answer": answer_json(run),
        "steps": record.steps,
        "resolved": dict(record.resolved),
        "command": record.command(),
    }


def answer_json(run: PastRun) -> dict[str, Any] | None:
    """What the newest finished study of the run's recipe says by now: `study`, `verdict`, `sentence`, `page` (path)."""
    found = answer(run.store, run.record)
    if found is None:
        return None
    page = str(found.page) if found.page else None
    return {"study": found.study, "verdict": found.verdict, "sentence": found.sentence, "page": page}


def _of_studies(run: PastRun) -> list[tuple[str, str]]:
    """Whose trial the run is, and what a study says by now; the report may be older than either."""
    found, trial = answer(run.store, run.record), trial_of(run.store, run.record)
    return [
        ("trial of", trial),
        ("transfer", found.said if found else _unasked(run)),
        ("its page", str(found.page) if found and found.page else ""),
    ]


def _unasked(run: PastRun) -> str:
    return f"`{command(run.record)}` tells whether it helps here" if run.record.metrics else ""


def step_json(run: PastRun, step: str) -> dict[str, Any]:
    """What a step got, what it gave, and what its key was made of.

    Raises:
        UsageError: no such step. StoreError: it has no result in this run, or it is damaged.
    """
    step = named(step, STEPS, "step")
    entry = next((entry for entry in run.record.steps if entry["step"] == step), {})
    if step == "report":  # never cached: it has no execution
        return {"step": step, **entry, "report": run.record.report}
    execution = run.execution(step)
    history = run.history(step).to_dict("list") if step in TRAININGS else None
    return {"step": step, **entry, **_execution_json(run, execution), "history": history}


def _execution_json(run: PastRun, execution: Execution) -> dict[str, Any]:
    identity, given = execution.identity, run.refs(execution.step)
    sources = edges(Recipe.model_validate(run.record.resolved))[str(identity["step"])]
    return {
        "key": execution.key,
        "parameters": identity["parameters"],
        "seed": identity["seed"],
        "inputs": {name: {**ref, "from": sources.get(name, name)} for name, ref in identity["inputs"].items()},
        "data": identity["data"],
        "outputs": {name: ref.to_json() for name, ref in given.items()},
        "facts": {name: dict(run.store.manifest(ref).facts) for name, ref in given.items()},
        "code": identity["code"],
        "versions": identity["versions"],
        "device": identity.get("device"),
        "path": identity.get("path"),
        "computed_in_seconds": execution.seconds,
        "computed": dict(execution.facts),
    }


def opened(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings among the parameters (`augment`) opened, without what is off in them."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": inner for key, inner in value.items() if inner is not None}
        else:
            found[name] = value
    return found


def how(computed: dict[str, Any]) -> list[tuple[str, str]]:
    """How a training was really computed, whatever path had been chosen: label and text."""
    training, features = computed.get("training"), computed.get("features")
    if not training:
        return []
    lines = [
        ("epochs", f"compiled {'with' if training['jit'] else 'without'} XLA"),
        ("training", f"{training['seconds']:.1f} s, {training['compile_seconds']:.1f} s of it compiling"),
        ("data", "read a batch at a time" if training["streamed"] else "in memory"),
    ]
    if rates := computed.get("rates"):
        source = "from the store" if rates["reused"] else f"in {rates['seconds']:.1f} s"
        lines.append(("rate", f"{rates['learning_rate']:.3g}, found {source}: {short(rates['digest'])}"))
    if features:
        source = "from the store" if features["reused"] else f"computed in {features['seconds']:.1f} s"
        lines.append(("features", f"{short(features['digest'])} at `{training['cut']}`, {source}"))
    if "resumed_after_epoch" in computed:
        lines.append(("went on", f"after epoch {computed['resumed_after_epoch']}, where it had been interrupted"))
    return lines + tuned_lines(computed)


def heading(run: PastRun) -> list[tuple[str, str]]:
    """The lines above the steps: label and text."""
    record = run.record
    origin = {each.id: each.number for each in run.all_records()}.get(record.rerun_from or "")
    lines = [
        ("run", f"{record.number}  {record.id}"),
        ("name", record.name),
        ("recipe", record.recipe),
        ("overrides", " ".join(f"{name}={value}" for name, value in record.overrides.items())),
        ("started", when(record.started)),
        ("state", record.state),
        ("message", record.message or ""),
        ("rerun from", f"run {origin}" if origin else record.rerun_from or ""),
        ("accuracy", interval(record.metrics)),
        ("report", record.report or ""),
        *_of_studies(run),
        ("again", record.command()),
    ]
    return [(label, text) for label, text in lines if text]
