"""What a run leaves on its page in Prefect's UI: report with its pictures, figures, lineage, and how runs compare.

Emitted by the flow itself, not by a cached step, so that a run in which every step was a hit has them too. Both UIs
show Markdown tables and pictures as data URIs; only the new one draws Mermaid. A key is a page of its own in the UI,
with a version for each run.
"""

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from rich.console import Console

from artifacts.lineage import lineage
from artifacts.past import PastRun
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows import comparison, run_lineage
from flows.runs_list import interval
from tasks.pure.page_markdown import table

REPORT = "report.md"


def publish(store: Store, record: RunRecord) -> None:
    """Put everything that the run has on its page; what it has not (`--only`) is left out.

    What fails here costs its part of the page, not the run: everything lies in the store all the same.
    """
    for what, put in _parts(store, record).items():
        try:
            put()
        except Exception as problem:  # whatever it is: the run has ended well, and its page is a copy of what is stored
            get_run_logger().warning("The run's page lacks its %s: %s: %s", what, type(problem).__name__, problem)


def _parts(store: Store, record: RunRecord) -> dict[str, Callable[[], None]]:
    """What the page gets of this run."""
    parts: dict[str, Callable[[], None]] = {}
    if record.report:
        parts["report"] = lambda: _report(store, record)
    if record.metrics:
        parts["figures"] = lambda: _table(record)
        parts["lineage"] = lambda: _lineage(PastRun(store, record))
    if record.gate:
        parts["gate"] = lambda: _gate(record)
    if record.deployment and record.metrics:
        parts["comparison"] = lambda: _comparison(store, record)
    return parts


def key(what: str, name: str) -> str:
    """An artifact's key: lower-case letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", f"{what}-{name}".lower()).strip("-")


def _report(store: Store, record: RunRecord) -> None:
    text = (store.runs / record.id / REPORT).read_text(encoding="utf-8")
    create_markdown_artifact(text, key=key("report", record.title), description=" ".join(record.verdict[:1]))


def _table(record: RunRecord) -> None:
    said = f"accuracy {interval(record.metrics)} on {record.metrics['num_test']:,} test images"
    create_table_artifact(_figures(record), key=key("metrics", record.title), description=said)


def _figures(record: RunRecord) -> list[dict[str, Any]]:
    """A row a figure; plain numbers, since the table does not take NumPy's, nor infinities."""
    bounds = {"accuracy": f"{record.metrics['accuracy_low']:.3f} to {record.metrics['accuracy_high']:.3f}"}
    return [
        {"figure": name.replace("_", " "), "value": round(float(value), 4), "interval": bounds.get(name, "")}
        for name, value in record.metrics.items()
        if name not in ("accuracy_low", "accuracy_high")
    ]


def _lineage(run: PastRun) -> None:
    found = lineage(run.store, [run.ref("evaluate", "evaluation")])
    screen = Console(file=io.StringIO(), width=110, color_system=None)
    for tree in run_lineage.as_tree(found):
        screen.print(tree)
    rows = [[name, text] for name, text in run_lineage.totals(found)]
    parts = [
        "# Where the result comes from",
        f"```text\n{_written(screen)}```",
        table(["", ""], rows),
        "## As a diagram\n\nThe new UI draws it; elsewhere it is Mermaid's text.",
        f"```mermaid\n{run_lineage.mermaid(found)}```",
    ]
    name = key("lineage", run.record.title)
    create_markdown_artifact("\n\n".join(parts), key=name, description="Data files, code and versions behind it.")


def _written(screen: Console) -> str:
    file = screen.file
    return file.getvalue() if isinstance(file, io.StringIO) else ""


def _gate(record: RunRecord) -> None:
    create_markdown_artifact(gate_page(record), key=key("gate", record.title), description="What it decided.")


def gate_page(record: RunRecord) -> str:
    """The gate's decision in words, and the figures that it rests on."""
    gate: Mapping[str, Any] = record.gate
    rows = [[name.replace("_", " "), _shown(value)] for name, value in gate.get("evidence", {}).items()]
    verdict = "promoted" if gate["promoted"] else "not promoted"
    return f"# Gate: {verdict}\n\n{gate['message']}\n\n{table(['evidence', 'value'], rows)}\n"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _comparison(store: Store, record: RunRecord) -> None:
    runs = comparison.of_deployment(Runs(store).all(), record)
    text = comparison.page(runs, record.deployment)
    create_markdown_artifact(text, key=key("runs-of", record.deployment), description="Accuracy against time.")
