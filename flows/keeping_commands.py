"""What the commands about room and champions do, each returning its exit code."""

import re
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artifacts.champions import Champions
from artifacts.collecting import DAY, collect, holdings
from artifacts.errors import ArtifactMissing, RecordDamaged, UsageError
from artifacts.runs import Runs
from artifacts.store import Store
from flows.after_commands import print_json, wide_console
from flows.promotion import able, challenge
from flows.runs_list import when

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": 7 * DAY}
SHOWN_KEEP = 3  # of which `graft store` says what it would free


def store(as_json: bool) -> int:
    """Count and size by kind, and what `gc` could free."""
    here = Store()
    found = holdings(here)
    free = _could_free(here)
    if as_json:
        kinds = {kind: vars(holding) for kind, holding in found.items()}
        print_json({"store": str(here.root), "kinds": kinds, "keep": SHOWN_KEEP, "could_free": free})
        return 0
    console = wide_console()
    console.print(str(here.root), highlight=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("kind")
    table.add_column("count", justify="right")
    table.add_column("size", justify="right")
    for kind, holding in found.items():
        table.add_row(kind, f"{holding.count:,}" if kind != "cache" else "", size(holding.bytes))
    table.add_row("in all", "", size(sum(holding.bytes for holding in found.values())))
    console.print(table, highlight=False)
    if free is not None:
        console.print(f"`graft gc --keep {SHOWN_KEEP}` would free {size(free)}.", highlight=False)
    return 0


def _could_free(here: Store) -> int | None:
    """Bytes; None, with the reason on standard error, where a damaged record keeps `gc` from saying."""
    try:
        return collect(here, SHOWN_KEEP, dry_run=True).bytes if here.root.exists() else 0
    except RecordDamaged as problem:
        print(f"graft: `graft gc` can free nothing now. {problem}", file=sys.stderr)
        return None


def gc(keep: int, older_than: str | None, dry_run: bool, as_json: bool) -> int:
    """Take away what no kept run refers to, and say what went."""
    here = Store()
    garbage = collect(here, keep, None if older_than is None else span(older_than), dry_run=dry_run)
    counts = {"artifacts": len(garbage.artifacts), "executions": len(garbage.executions)}
    if as_json:
        paths = [str(path) for path in [*garbage.artifacts, *garbage.executions]]
        print_json(
            {**counts, "bytes": garbage.bytes, "kept_runs": garbage.kept_runs, "paths": paths, "dry_run": dry_run}
        )
        return 0
    console = wide_console()
    for path in garbage.artifacts:
        console.print(f"  {path.parent.name:<11} {path.name[:12]}", highlight=False)
    done = "would go" if dry_run else "went"
    kept = ", ".join(map(str, garbage.kept_runs)) or "none"
    console.print(
        f"{counts['artifacts']} artifacts and {counts['executions']} executions {done}: {size(garbage.bytes)}. "
        f"Kept runs: {kept}.",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def span(text: str) -> float:
    """Seconds of `30d`, `12h`, `90m`.

    Raises:
        UsageError: it is none.
    """
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if not parts:
        raise UsageError(f"--older-than: expected a time such as 30d, 12h or 90m, found `{text}`.")
    return float(parts[1]) * UNITS[parts[2]]


def size(count: float) -> str:
    """Bytes for people, in powers of 1,000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def keep(wanted: str, undo: bool) -> int:
    """Mark a run, so that `gc` leaves its artifacts."""
    run = Store().run(wanted)
    Runs(run.store).mark(run.record.id, kept=not undo)
    print(f"Run {run.record.number} ({run.record.name}) is {'no longer ' if undo else ''}kept by `graft gc`.")
    return 0


def promote(wanted: str, name: str, gated: bool, because: str | None, as_json: bool) -> int:
    """Make a run the champion; with the gate, only if it is not worse. Exit code 1 where the champion stays."""
    run = Store().run(wanted)
    outcome = challenge(run, name, gated, because)
    aside = outcome.pop("set_aside")
    if aside:
        print(f"graft: the damaged record of champion `{name}` was set aside as {aside}.", file=sys.stderr)
    if as_json:
        print_json({"champion": name, "run": run.record.id, **outcome})
    else:
        Console().print(escape(outcome["message"]), highlight=False, soft_wrap=True)
    return 0 if outcome["promoted"] or outcome["outcome"] == "same run" else 1


def champion(name: str, as_json: bool) -> int:
    """Who is champion, and everyone who was."""
    champions = Champions(Store())
    history, refusals = champions.history(name), champions.refusals(name)
    if as_json:
        refused = [vars(refusal) for refusal in refusals]
        print_json({"champion": name, "history": [vars(reign) for reign in history], "refused": refused})
        return 0
    for refusal in refusals:
        print(f"refused: run {refusal.number}, {when(refusal.when)}: {refusal.message}")
    if not history:
        print(f"No champion `{name}` yet. Make a run one: graft promote last --name {name}")
        return 0
    table = Table(box=None, pad_edge=False)
    for title in ("run", "since", "how", "accuracy", "why"):
        table.add_column(title, overflow="fold")
    for reign in reversed(history):
        accuracy = reign.evidence.get("accuracy")
        shown = "" if accuracy is None else f"{accuracy:.3f}".removeprefix("0")
        table.add_row(str(reign.number), when(reign.since), reign.how, shown, escape(_why(reign.evidence)))
    wide_console().print(table, highlight=False)
    return 0


def _why(evidence: Any) -> str:
    parts = [evidence.get("because") or "", evidence.get("outcome") or ""]
    if "p" in evidence:
        parts.append(
            f"{100 * evidence['difference']:+.1f} points on {evidence['num_gate']:,} images, p {evidence['p']:.3g}"
        )
    return " · ".join(part for part in parts if part)


def rollback(name: str) -> int:
    """Make the champion's predecessor the champion again."""
    here = Store()
    champions = Champions(here)
    now, before = champions.current(name), champions.previous(name)
    if now is None or before is None:
        raise UsageError(f"`{name}` has no earlier champion to go back to. See `graft champion {name}`.")
    try:
        run = able(here.run(before.run))
    except (ArtifactMissing, UsageError) as problem:
        raise ArtifactMissing(f"Run {before.number} cannot be champion again: {problem}") from None
    evidence = {**before.evidence, "outcome": "rollback", "because": f"rolled back from run {now.number}"}
    champions.crown(name, run.record, before.model, "rollback", evidence, now)
    print(f"Run {before.number} is `{name}` again, in the place of run {now.number}.")
    return 0
