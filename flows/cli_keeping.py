"""The commands about room on the disk and about champions."""

from collections.abc import Callable
from typing import Annotated

import typer

from artifacts.refs import CHAMPION
from flows.cli_options import DebugOption, JsonOption, RunArgument, example, leave

NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="Which champion, where there are several.")]
NameArgument = Annotated[str, typer.Argument(metavar="[NAME]", help="Which champion, where there are several.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`, in the order in which `graft --help` shows them."""
    for function, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(function)


def store(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Say what the store holds, by kind, and what `graft gc` could free."""
    from flows import keeping_commands

    leave(keeping_commands.store(as_json=as_json))


def gc(
    keep: Annotated[int, typer.Option("--keep", metavar="N", min=0, help="Keep the N newest runs of each recipe.")],
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="30d", help="Only what was not used for so long.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Take away the artifacts that no kept run, champion or running flow refers to. Records and reports stay."""
    from flows import keeping_commands

    leave(keeping_commands.gc(keep, older_than, dry_run=dry_run, as_json=as_json))


def keep(
    run: RunArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Take the mark away.")] = False,
    debug: DebugOption = False,
) -> None:
    """Mark a run, so that `graft gc` leaves its artifacts."""
    from flows import keeping_commands

    leave(keeping_commands.keep(run, undo=undo))


def promote(
    run: RunArgument,
    name: NameOption = CHAMPION,
    gate: Annotated[
        bool, typer.Option("--gate", help="Only if it is not worse than the champion on images neither saw.")
    ] = False,
    because: Annotated[str | None, typer.Option("--because", metavar="TEXT", help="Your reason, kept.")] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a run the champion. Exit code 1 where the gate refuses."""
    from flows import keeping_commands

    leave(keeping_commands.promote(run, name, gate, because, as_json=as_json))


def champion(name: NameArgument = CHAMPION, as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Say who is champion, and who was, since when and on what evidence."""
    from flows import keeping_commands

    leave(keeping_commands.champion(name, as_json=as_json))


def rollback(name: NameArgument = CHAMPION, debug: DebugOption = False) -> None:
    """Make the champion's predecessor the champion again."""
    from flows import keeping_commands

    leave(keeping_commands.rollback(name))


EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    store: ("graft store",),
    gc: ("graft gc --keep 3 --dry-run", "graft gc --keep 3 --older-than 30d"),
    keep: ("graft keep last", "graft keep 3 --undo"),
    promote: ("graft promote last --gate", "graft promote 3 --name shoes --because 'the customer likes it'"),
    champion: ("graft champion", "graft champion shoes --json"),
    rollback: ("graft rollback",),
}
