"""The commands for choosing a base and where to cut it."""

from collections.abc import Callable
from typing import Annotated

import typer

from flows.cli_options import DebugOption, JsonOption, RecipeArgument, example, leave, set_option


def register(app: typer.Typer) -> None:
    """Add the commands to `app`, in the order in which `graft --help` shows them."""
    for function, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(function)


def layers(
    recipe: RecipeArgument,
    settings: Annotated[list[str] | None, set_option("unfreeze.layers=2")] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print the layers of a recipe's base: parameters, output, cost, and which are frozen, stored, trained."""
    from flows import layers_commands

    leave(layers_commands.layers(recipe, settings or [], shown_as_json=as_json))


def probe(
    recipe: RecipeArgument,
    bases: Annotated[
        str,
        typer.Option(
            "--bases",
            metavar="A,B,…",
            help="`recipe` (its own), an application (`MobileNetV2`, `MobileNetV2:none` with weights drawn anew), "
            "`efficientnet-lite0`, `run:12`, `run:champion`, `mine.keras`, `kerashub:./preset`; `@96` behind one: the "
            "size of the pictures that it sees.",
        ),
    ] = "recipe",
    cuts: Annotated[
        str | None,
        typer.Option(
            "--cuts",
            metavar="X,Y,…",
            help="Where they are cut: `top` (the default), `all`, names, patterns (`block_1*`), numbers of layers "
            "from the bottom; see `graft layers`.",
        ),
    ] = None,
    settings: Annotated[list[str] | None, set_option("target.labels=all")] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare bases, and where to cut them, on a recipe's target before anything is trained.

    For each a cross-validated linear probe with its interval, and LogME; beside them raw pixels and a constant answer.
    """
    from flows import probe_commands

    leave(probe_commands.probe_all(recipe, bases, cuts, settings or [], shown_as_json=as_json))


EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    layers: (
        "graft layers quickstart",
        "graft layers mine.yaml --set base.application=MobileNetV2",
        "graft layers mine.yaml --set unfreeze.layers=block_1* --json",
    ),
    probe: (
        "graft probe photos --set target.labels=all",
        "graft probe photos --bases recipe,MobileNetV2,run:12 --cuts 'top,block_1[0-5]_project'",
        "graft probe mine.yaml --bases efficientnet-lite0@96,efficientnet-lite0@160 --json",
    ),
}
