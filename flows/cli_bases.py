"""The commands for choosing a base and where to cut it."""

from collections.abc import Callable
from typing import Annotated

import typer

from flows.cli_options import DebugOption, JsonOption, example, leave


def register(app: typer.Typer) -> None:
    """Add the commands to `app`, in the order in which `graft --help` shows them."""
    for function, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(function)


def layers(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe (see `graft recipes`), or the path of a YAML file.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a parameter: --set unfreeze.layers=2"),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print the layers of a recipe's base: parameters, output, cost, and which are frozen, stored, trained."""
    from flows import layers_commands

    leave(layers_commands.layers(recipe, settings or [], shown_as_json=as_json))


EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    layers: (
        "graft layers quickstart",
        "graft layers mine.yaml --set base.application=MobileNetV2",
        "graft layers mine.yaml --set unfreeze.layers=block_1* --json",
    ),
}
