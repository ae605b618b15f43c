"""`graft lineage`: from a run's model, or from any artifact, back to data files, code and versions."""

import re
from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from artifacts.errors import UsageError
from artifacts.executions import Execution
from artifacts.lineage import Lineage, inputs, lineage
from artifacts.refs import KINDS, Ref
from artifacts.store import Store
from flows.run_show import SHORT, short

FORMATS = ("text", "mermaid", "json")


def trace(store: Store, wanted: str) -> Lineage:
    """The lineage of what a person means: an artifact's digest or the beginning of one, or a run's last output.

    Raises:
        UsageError: neither a run nor an artifact is called so.
    """
    artifacts = _artifacts(store, wanted)
    if len(artifacts) == 1:
        return lineage(store, artifacts)
    if artifacts:
        listed = ", ".join(f"{ref.kind} {short(ref)}" for ref in artifacts[:5])
        raise UsageError(f"`{wanted}` is the beginning of {len(artifacts)} artifacts: {listed}. Give more of it.")
    try:
        run = store.run(wanted)
    except UsageError as problem:
        raise UsageError(f"{problem} An artifact may be named by 6 hex digits of its digest or more.") from None
    for step in ("evaluate", "fine_tune"):
        if run.record.outputs(step):
            return lineage(store, list(run.refs(step).values())[:1])
    ended = [step for step in run.keys if run.record.outputs(step)]
    if not ended:
        raise UsageError(f"Run {run.record.number} ({run.record.state}) made no artifact. Name another run.")
    return lineage(store, list(run.refs(ended[-1]).values())[:1])


def _artifacts(store: Store, wanted: str) -> list[Ref]:
    digits = wanted.removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{6,64}", digits):
        return []
    folders = sorted(store.artifacts.glob(f"*/{digits}*"))
    return [KINDS[folder.parent.name](f"sha256:{folder.name}") for folder in folders if folder.parent.name in KINDS]


def as_json(found: Lineage) -> dict[str, Any]:
    """Artifacts with their makers, the executions on the way, and all data files, code and versions."""
    return {
        "roots": [ref.to_json() for ref in found.roots],
        "artifacts": [
            {**ref.to_json(), "made_by": [execution.key for execution in makers]}
            for ref, makers in found.makers.items()
        ],
        "executions": [_execution(execution) for execution in found.executions()],
        "data": found.files(),
        "code": found.code(),
        "versions": found.versions(),
        "damaged": found.damaged,
    }


def _execution(execution: Execution) -> dict[str, Any]:
    return {
        "key": execution.key,
        "step": execution.step,
        "inputs": {name: ref.to_json() for name, ref in inputs(execution).items()},
        "outputs": {name: ref.to_json() for name, ref in execution.refs().items()},
        "parameters": execution.identity["parameters"],
        "seed": execution.identity["seed"],
        "data": execution.identity["data"],
        "code": execution.identity["code"],
        "versions": execution.identity["versions"],
        "device": execution.identity.get("device"),
        "seconds": execution.seconds,
    }


def as_tree(found: Lineage) -> Iterator[Tree]:
    """A tree for each root; an artifact that stands in it already is only named again."""
    seen: set[Ref] = set()
    for root in found.roots:
        tree = Tree(_named(root))
        _grow(tree, root, found, seen)
        yield tree


def _named(ref: Ref) -> str:
    return f"[bold]{ref.kind}[/] {short(ref)}"


def _grow(branch: Tree, ref: Ref, found: Lineage, seen: set[Ref]) -> None:
    if ref in seen:
        branch.label = f"{branch.label} [dim](above)[/]"
        return
    seen.add(ref)
    makers = found.makers[ref]
    if not makers:
        branch.add("[dim]no execution in the store made it[/]")
    for execution in makers:
        step = branch.add(
            f"by [cyan]{execution.step}[/] [dim]key {short(execution.key)} · {execution.seconds:.1f} s[/]"
        )
        for name, sha256 in sorted(execution.identity["data"].items()):
            step.add(f"file {escape(name)} [dim]{short(sha256)}[/]")
        for name, source in inputs(execution).items():
            _grow(step.add(f"[dim]{name}:[/] {_named(source)}"), source, found, seen)


def totals(found: Lineage) -> list[tuple[str, str]]:
    """What it all goes back to, in a few lines: data files, code files, versions."""
    files = ", ".join(f"{name} {short(sha256)}" for name, sha256 in found.files().items())
    versions = ", ".join(f"{name} {version}" for name, version in found.versions().items())
    code = ", ".join(f"{name} {short(sha256)[:7]}" for name, sha256 in found.code().items())
    return [("data", files or "none"), ("code", code or "none"), ("versions", versions or "none")]


def mermaid(found: Lineage) -> str:
    """A Mermaid flowchart: data files and artifacts as boxes, executions as rounded ones, arrows as time goes."""
    lines = ["flowchart LR"]
    for ref in found.makers:
        lines.append(f'  {_id(ref.digest, ref.kind)}["{ref.kind}<br/>{short(ref)}"]')
    for execution in found.executions():
        step = _id(execution.key, "step")
        lines.append(f'  {step}("{execution.step}<br/>{short(execution.key)}")')
        for name, sha256 in sorted(execution.identity["data"].items()):
            lines.append(f'  {_id(sha256, "file")}[("{_label(name)}<br/>{short(sha256)}")] --> {step}')
        for name, ref in inputs(execution).items():
            lines.append(f"  {_id(ref.digest, ref.kind)} -- {name} --> {step}")
        for name, ref in execution.refs().items():
            lines.append(f"  {step} -- {name} --> {_id(ref.digest, ref.kind)}")
    return "\n".join(lines) + "\n"


def _id(digest: str, kind: str) -> str:
    return f"{kind}_{digest.removeprefix('sha256:')[:SHORT]}"


def _label(name: str) -> str:
    """A file's name inside a quoted Mermaid label."""
    return name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
