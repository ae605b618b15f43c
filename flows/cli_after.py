"""The commands for after the run: find it, trust it, compare it, use it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import DebugOption, JsonOption, RunArgument, example, leave


def register(app: typer.Typer) -> None:
    """Add the commands to `app`, in the order in which `graft --help` shows them."""
    for function, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(function)


def runs(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]…", help="Only these: numbers, beginnings of ids, names, `last`."),
    ] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", metavar="NAME", help="Only runs of this recipe.")] = None,
    state: Annotated[
        str | None, typer.Option("--state", help="Only completed, failed, cancelled, interrupted or running ones.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="CONDITION", help="Only runs that meet it: --metric 'accuracy>=0.9'"),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="ID", help="Only runs that this study made: the beginning of its id."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="How many at most; 0 for all.")] = 0,
    side_by_side: Annotated[
        bool, typer.Option("--compare", help="Side by side: accuracy, and only the columns in which they differ.")
    ] = False,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a column a metric, for pandas.")] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="With --compare: print a Markdown table.")] = False,
    debug: DebugOption = False,
) -> None:
    """List the runs in the store, newest first; or compare them.

    With --compare they are ordered by the settings in which they differ, or stand as you named them.
    """
    from flows import after_commands
    from flows.runs_list import Filter

    form = after_commands.form(as_json=as_json, as_csv=as_csv, as_markdown=as_markdown, side_by_side=side_by_side)
    which = Filter(recipe, state, metric or [], study)
    leave(after_commands.runs(which, wanted or [], limit, form, side_by_side))


def show(
    run: RunArgument,
    step: Annotated[str | None, typer.Argument(metavar="[STEP]", help="Only this step, in full.")] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show a run, or one step of it: parameters, inputs, outputs, code, history."""
    from flows import after_commands

    leave(after_commands.show(run, step, as_json=as_json))


def diff(
    before: Annotated[str, typer.Argument(metavar="RUN", help="The one to compare with.")],
    after: Annotated[str, typer.Argument(metavar="RUN", help="The other one.")],
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what differs between two runs, and whether their accuracies do, image by image."""
    from flows import after_commands

    leave(after_commands.diff(before, after, as_json=as_json))


def lineage(
    wanted: Annotated[
        str, typer.Argument(metavar="RUN|ARTIFACT", help="A run, or the beginning of an artifact's digest.")
    ],
    form: Annotated[str, typer.Option("--format", metavar="text|mermaid|json", help="How to print it.")] = "text",
    debug: DebugOption = False,
) -> None:
    """Trace a run's evaluation, or any artifact, back to data files, code and versions."""
    from flows import after_commands

    leave(after_commands.lineage(wanted, form))


def export(
    run: RunArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder to be made.")],
    debug: DebugOption = False,
) -> None:
    """Write a run into a folder that needs no graft: .keras, CSVs, metrics, recipe, report, requirements."""
    from flows import after_commands

    leave(after_commands.export(run, folder))


def predict(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE…|FILE.npz|FOLDER", help="What to label."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="RUN|CHAMPION",
            help="Whose network: a run, or a champion's name. Without it, that of the newest run that has one.",
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write CSV to FILE.")] = None,
    explain: Annotated[
        Path | None, typer.Option("--explain", metavar="DIR", help="For each image a picture of what counted.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Label images with a run's network: label, probability, runner-up. Exit code 1 where an image is damaged.

    Of folders, what is no image is passed over and counted.
    """
    from flows import predict_commands

    leave(predict_commands.predict(images, model, as_json=as_json, csv_file=as_csv, explain=explain))


EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    runs: (
        "graft runs",
        "graft runs --recipe quickstart --state completed --metric 'accuracy>=0.9'",
        "graft runs --csv",
        "graft runs --compare --recipe quickstart --md",
        "graft runs 3 5 last --compare",
        "graft runs --compare --study 3f2a --csv > trials.csv",
    ),
    show: ("graft show last", "graft show 3 fine_tune", "graft show last --json"),
    diff: ("graft diff 1 last",),
    lineage: ("graft lineage last", "graft lineage last --format mermaid", "graft lineage 3f2a9c"),
    predict: (
        "graft predict shirt.png --explain maps",
        "graft predict photos --model champion --csv labels.csv",
    ),
    export: ("graft export last ./shoes",),
}
