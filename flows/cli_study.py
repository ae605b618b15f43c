"""The commands that compare many runs: is transfer worth it here, and with which values."""

from collections.abc import Callable
from typing import Annotated

import typer

from flows.cli_options import DebugOption, JsonOption, RecipeArgument, example, leave


def register(app: typer.Typer) -> None:
    """Add the commands to `app`, in the order in which `graft --help` shows them."""
    for function, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(function)


def study(
    wanted: Annotated[
        str, typer.Argument(metavar="RECIPE|STUDY.yaml", help="A shipped recipe, the path of one, or a study's file.")
    ],
    arms: Annotated[
        str | None,
        typer.Option(
            "--arms",
            metavar="ARM,…",
            help="What is compared: transfer, head-only, fine-tune-all, no-freeze, scratch, random-base, raw-pixels, "
            "self.",
        ),
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="N,…", help="Further numbers of labels, for the curve.")
    ] = None,
    depths: Annotated[
        str | None, typer.Option("--depths", metavar="CUT,…", help="Where the base is cut: numbers or names of layers.")
    ] = None,
    unfrozen: Annotated[
        str | None, typer.Option("--unfrozen", metavar="N,…", help="How many layers fine-tuning opens.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a parameter: --set pretrain.epochs=3"),
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="One fixed look at so many seeds.")] = None,
    budget: Annotated[
        int | None,
        typer.Option("--budget", min=5, max=40, help="The most seeds, by default 40; looks at 5, 10, 20, 40."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", min=0, help="A difference that is none, in points. By default 1.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Trials at once; each is a process.")] = 1,
    dask: Annotated[
        str | None,
        typer.Option("--dask", metavar="ADDRESS", help="A Dask scheduler, on whose workers the trials run."),
    ] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Only say what it would cost.")] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Ask whether transfer helps here: controls, seeds, planned looks, a verdict.

    What is in the store already costs nothing, and a study that was stopped goes on where it was.
    """
    from flows.study import commands

    options = commands.options(arms, labels, depths, unfrozen, seeds, budget, margin)
    leave(commands.study(wanted, options, settings or [], (jobs, dask), only_plan=only_plan, as_json=as_json))


def sweep(
    recipe: RecipeArgument,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=V,…", help="Values to try; one alone is set in all. Lists in brackets."),
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Of each combination. By default 3.")] = None,
    halving: Annotated[
        bool, typer.Option("--halving", help="All at 1 seed, the best third at 3, the best at 5.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Trials at once; each is a process.")] = 1,
    only_plan: Annotated[bool, typer.Option("--plan", help="Only say what it would cost.")] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Try combinations of values; choose on validation images, then judge the chosen one once on the test images.

    Shared steps are computed once, and what is in the store costs nothing; a sweep that was stopped goes on.
    """
    from flows.sweep import commands

    leave(commands.sweep(recipe, settings or [], seeds, halving, jobs, only_plan=only_plan, as_json=as_json))


EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    study: (
        "graft study quickstart",
        "graft study quickstart --plan",
        "graft study mine.yaml --arms transfer,scratch,self --labels 20,100,500 --jobs 2",
        "graft study mine.yaml --dask tcp://10.0.0.1:8786",
        "graft study mine.yaml --seeds 10 --set fine_tune.learning_rate=1e-4 --json",
    ),
    sweep: (
        "graft sweep quickstart --set fine_tune.learning_rate=1e-4,1e-3 --set target.validation=0.3",
        "graft sweep mine.yaml --set unfreeze.layers=0,1,2 --set fine_tune.epochs=5,20 --seeds 5 --jobs 2",
        "graft sweep mine.yaml --set 'pretrain.widths=[8,8],[16,16]' --set pretrain.dropout=0,0.2 --halving --plan",
    ),
}
