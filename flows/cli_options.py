"""What the commands' declarations share: options that mean the same everywhere, examples, exit codes."""

from typing import Annotated, Any

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else there.")
]
RecipeArgument = Annotated[
    str, typer.Argument(help="A shipped recipe (see `graft recipes`), or the path of a YAML file.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Tracebacks with errors.")]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="`last`, a run's number, the beginning of its id, or its name.")
]


def set_option(setting: str) -> Any:
    """`--set`, with the example that suits the command."""
    return typer.Option("--set", metavar="KEY=VALUE", help=f"Override a parameter: --set {setting}")


def example(*lines: str) -> str:
    """The end of a command's help."""
    return "[bold]Examples[/]\n\n" + "\n\n".join(f"  [cyan]{line}[/]" for line in lines)


def leave(code: int) -> None:
    """End the command with `code`."""
    if code:
        raise typer.Exit(code)
