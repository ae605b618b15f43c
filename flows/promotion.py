"""A run against the champion: by a person's word, or through the gate. Asked by `graft promote` and by `retrain`."""

from dataclasses import asdict
from typing import Any

from artifacts.champions import Champions, Reign
from artifacts.errors import RecordDamaged
from artifacts.past import PastRun
from flows.recipe import Recipe
from flows.study.answering import answer


def challenge(run: PastRun, name: str, gated: bool, because: str | None = None) -> dict[str, Any]:
    """Make `run` the champion `name`; through the gate, only if it is not worse. Never cached.

    Returns:
        `promoted`, `outcome`, `message`, `evidence`, `study` (id of the newest finished study of the run's recipe, or
        None; the message ends with its verdict), and `set_aside`: the path of a damaged champion's record that was
        moved out of the way, or None.

    Raises:
        UsageError: no champion can have that name.
        StoreError: the run has no model or was never evaluated, or an artifact is damaged; or, through the gate, the
            champion's record is.
        ChampionChanged: somebody else became champion meanwhile.
    """
    champions = Champions(run.store)
    champions.check_name(name)
    able(run)
    before, aside = (reigning(champions, name), None) if gated else _before(champions, name)
    if before and before.run == run.record.id:
        message = f"Run {run.record.number} is `{name}` already. Nothing was changed."
        same = {"promoted": False, "outcome": "same run", "message": message, "evidence": {}}
        return {**_with_study(same, run), "set_aside": aside}
    outcome = _judged(run, before) if gated else _by_word(run, name)
    if outcome["promoted"]:
        _crown(champions, name, run, outcome, "gate" if gated else "promoted", because, before)
    else:
        refusal = champions.refuse(
            name, run.record, outcome["outcome"], outcome["message"], outcome["evidence"], before
        )
        outcome["message"] = refusal.message
    return {**_with_study(outcome, run), "set_aside": aside}


def _with_study(outcome: dict[str, Any], run: PastRun) -> dict[str, Any]:
    """The gate asks whether a network is as good as another one; whether transfer helps at all, a study says."""
    found = answer(run.store, run.record)
    said = f"{outcome['message']} {found.said}" if found else outcome["message"]
    return {**outcome, "message": said, "study": found.study if found else None}


def able(run: PastRun) -> PastRun:
    """`run`, which can be champion.

    Raises:
        StoreError: it has no model or was never evaluated, or an artifact is damaged.
    """
    for step, output in (("fine_tune", "model"), ("evaluate", "evaluation")):
        run.folder(step, output)
    return run


def _judged(run: PastRun, before: Reign | None) -> dict[str, Any]:
    from tasks.gate import judge

    gate = Recipe.model_validate(run.record.resolved).gate
    champion = run.store.run(before.run) if before else None
    return asdict(judge(run, champion, gate.margin, gate.confidence))


def _by_word(run: PastRun, name: str) -> dict[str, Any]:
    message = f"Run {run.record.number} is `{name}` now, by a person's word."
    return {"promoted": True, "outcome": "promoted", "message": message, "evidence": {}}


def _crown(
    champions: Champions,
    name: str,
    run: PastRun,
    outcome: dict[str, Any],
    how: str,
    because: str | None,
    before: Reign | None,
) -> None:
    evidence = {
        "outcome": outcome["outcome"],
        "because": because,
        "accuracy": run.record.metrics.get("accuracy"),
        **outcome["evidence"],
    }
    champions.crown(name, run.record, run.ref("fine_tune", "model").digest, how, evidence, before)


def reigning(champions: Champions, name: str) -> Reign | None:
    """Whom the gate compares with, or None where there never was a champion.

    Raises:
        RecordDamaged: the champion's record was altered. With nobody to compare with, anybody would be promoted.
    """
    try:
        return champions.current(name)
    except RecordDamaged as problem:
        raise RecordDamaged(
            f"{problem} The gate cannot tell whom to compare with; nothing was changed. Put a good copy of "
            f"{champions.path(name)} back, or begin anew by your own word: `graft promote RUN --name {name}`."
        ) from None


def _before(champions: Champions, name: str) -> tuple[Reign | None, str | None]:
    """Who reigns; a damaged record is set aside, and its new path returned beside nobody."""
    try:
        return champions.current(name), None
    except RecordDamaged:
        return None, str(champions.set_aside(name))
