"""What `graft layers` does: look the base up, or take it in, and print what it is made of."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from artifacts.store import Store
from flows import commands, layers_look, plan, recipe_files
from flows.layers_look import LayerLine

COLOURS = {layers_look.TRAINED: "green", layers_look.STORED: "cyan", layers_look.DROPPED: "dim"}


def layers(recipe: str, settings: Sequence[str], shown_as_json: bool) -> int:
    """Print a line a layer; nothing is trained and nothing stored."""
    loaded = recipe_files.load(recipe, dict(recipe_files.parse_setting(text) for text in settings))
    store = Store()
    steps = plan.walk(loaded)
    commands.quiet_libraries(False)
    outline = layers_look.known_outline(steps, store) or layers_look.new_outline(loaded, steps, store)
    target = next(((each.outputs or {}).get("dataset") for each in steps if each.step == "load_data.target"), None)
    facts = store.facts(target) if target else None
    found = layers_look.lines(loaded.recipe, outline, facts.get("counts") if facts else None)
    if shown_as_json:
        commands.print_json(layers_look.as_json(loaded, found))
    else:
        _print(found)
    return 0


def _print(found: Sequence[LayerLine]) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", overflow="fold")
    for name in ("parameters", "output", "multiply-adds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("train_head", no_wrap=True)
    table.add_column("fine_tune", no_wrap=True)
    for line in found:
        size = "×".join("?" if each is None else str(each) for each in line.output_shape)
        told = [_coloured(line.in_head), _coloured(line.in_fine_tune)]
        table.add_row(line.name, f"{line.parameters:,}", size, _short(line.multiply_adds), *told)
    console.print(table)
    total = sum(line.parameters for line in found)
    work = sum(line.multiply_adds for line in found)
    console.print(f"\n{len(found)} layers, {total:,} parameters, {_short(work)} multiply-adds an image.")
    console.print("stored: frozen, and what it makes of the images is computed once.", style="dim")
    console.print(
        "Name them in `clone_with_weights.layers`, `freeze.layers`, `unfreeze.layers`: a number, names, or patterns "
        "such as `block_1*`.",
        style="dim",
    )


def _coloured(state: str) -> str:
    colour = COLOURS.get(state)
    return f"[{colour}]{state}[/]" if colour else state


def _short(count: int) -> str:
    """12,300 → 12.3 k."""
    for factor, sign in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= factor:
            return f"{count / factor:.1f} {sign}"
    return str(count)
