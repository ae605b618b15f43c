"""The `graft` command. Nothing heavy is imported before it is needed: `graft --help` and `graft plan` are quick."""

import io
import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated, Any

import typer

from artifacts.errors import UsageError
from flows import cli_after, cli_bases, cli_keeping, cli_operating, cli_study, garbage
from flows.cli_options import DebugOption, JsonOption, RecipeArgument, example, leave, set_option
from tasks import apart

# The base of Typer's errors about the command line; Click's own class or Typer's copy of it, as its version has it.
_BAD_USAGE: type[BaseException] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="graft",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Transfer learning as a workflow: pretrain, clone with weights, freeze, train a head, unfreeze, fine-tune, "
    "and say honestly whether it helped. Never computes the same step twice.",
    epilog=example("graft run quickstart", "graft runs", "graft predict photos", "graft COMMAND --help"),
)

SetOption = Annotated[list[str] | None, set_option("fine_tune.learning_rate=1e-5")]
ForceOption = Annotated[
    list[str] | None,
    typer.Option("--force", metavar="STEP", help="Compute STEP again; what follows, as its inputs say."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="STEP", help="Compute STEP and all after it; all before must be stored.")
]
OnlyOption = Annotated[
    str | None, typer.Option("--only", metavar="STEP", help="As --from, but nothing after STEP runs.")
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Prefect's log lines too, on standard error.")]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"graft {version('graft')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """What holds for every command."""


@app.command(
    epilog=example(
        "graft run quickstart",
        "graft run fashion-mnist-dense --set seed=1 --set fine_tune.learning_rate=1e-5",
        "graft run ./mine.yaml --from train_head",
    )
)
def run(
    recipe: RecipeArgument,
    settings: SetOption = None,
    force: ForceOption = None,
    start_from: FromOption = None,
    only: OnlyOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    """Run a recipe. Steps that are in the store already are hits and cost nothing."""
    from flows import commands

    request = commands.Request(recipe, settings or [], force or [], start_from, only)
    leave(commands.run(request, as_json=as_json, verbose=verbose))


@app.command(
    epilog=example(
        "graft plan quickstart", "graft plan quickstart --set fine_tune.learning_rate=1e-5 --force train_head"
    )
)
def plan(
    recipe: RecipeArgument,
    settings: SetOption = None,
    force: ForceOption = None,
    start_from: FromOption = None,
    only: OnlyOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what `graft run` with the same arguments would do, step by step, and why. Runs nothing."""
    from flows import commands

    request = commands.Request(recipe, settings or [], force or [], start_from, only)
    leave(commands.plan(request, as_json=as_json))


@app.command(
    epilog=example(
        "graft data quickstart",
        "graft data photos",
        "graft data labels.csv",
        "graft data mine.yaml --set target.duplicates=refuse --json",
    )
)
def data(
    wanted: Annotated[
        str,
        typer.Argument(metavar="RECIPE|FOLDER|FILE", help="A recipe, or pictures in a folder, a table or an npz file."),
    ],
    settings: SetOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    """Look at the data before anything is trained on it: counts, sizes, duplicates, damage, a contact sheet.

    Exit code 1 where it cannot be trained on; other problems are only said.
    """
    from flows import data_commands

    leave(data_commands.data(wanted, settings or [], shown_as_json=as_json, verbose=verbose))


@app.command(epilog=example("graft recipes", "graft recipes quickstart", "graft recipes --schema > graft.schema.json"))
def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe with every default filled in.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema; editors complete YAML from it.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """List the recipes that ship, print one whole, or print the schema."""
    from flows import commands

    leave(commands.recipes(name, schema=schema))


@app.command(epilog=example("graft verify", "graft verify --json"))
def verify(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Derive every digest and checksum in the store anew; say what is wrong and which command mends it."""
    from flows import commands

    leave(commands.verify(as_json=as_json))


cli_bases.register(app)
cli_study.register(app)
cli_after.register(app)
cli_keeping.register(app)
cli_operating.register(app)


def main() -> None:
    """Entry point of the console command. Exit codes: 0; 1 for a failed run or a damaged store; 2 for bad usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where a shell closed it
            stream.reconfigure(errors="replace")  # a screen that lacks a sign shows `?`; a run must not fail of it
    code = _guarded(sys.argv[1:])
    if apart.left_alone():
        _leave_at_once(code)
    garbage.settle()  # else the interpreter looks through all of Prefect before it ends: a quarter of a second
    sys.exit(code)


def _leave_at_once(code: int) -> None:
    """After a second Ctrl-C: under TensorFlow's feet the interpreter would not end well."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
        if "prefect" in sys.modules:  # what its client still holds, the step's last state too, it would send at the end
            from flows import run_server

            run_server.flush()
    finally:
        os._exit(code)


def _guarded(argv: list[str]) -> int:
    """Run the command; errors become one paragraph on standard error, a traceback only with --debug."""
    try:
        code = _run_app(argv)
        if sys.stdout:
            sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of a pipe has left; the interpreter must not complain at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as problem:  # whatever it is, a person gets one paragraph; --debug shows the rest
        return _say(problem, "--debug" in argv)


def _run_app(argv: list[str]) -> int:
    """Let Typer find and call the command; its own code, 0 where it says none, 130 after Ctrl-C."""
    try:
        code = app(argv, prog_name="graft", standalone_mode=False)
    except _BAD_USAGE as problem:
        if not argv:  # the whole help has been printed
            return 2
        raise _in_our_words(problem) from None
    except SystemExit as leaving:  # Typer's end where the reader of a pipe has left
        return leaving.code if isinstance(leaving.code, int) else 1
    return code if isinstance(code, int) else 0


def _in_our_words(problem: Any) -> UsageError:
    """What Typer says of an unknown option or command or a missing argument, in one paragraph with a way on."""
    command = problem.ctx.command_path if problem.ctx else "graft"
    message = " ".join(problem.format_message().split()).rstrip(".")
    return UsageError(f"{message}. See `{command} --help`.")


def _say(problem: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(problem)
    else:
        from flows.commands import paragraph

        print(f"graft: {paragraph(problem)}", file=sys.stderr)
    return 2 if isinstance(problem, UsageError) else 1


if __name__ == "__main__":
    main()
