"""What `graft probe` does: the target's data is read, each base is taken in and probed; nothing is trained."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artifacts.refs import DatasetRef
from artifacts.store import Store
from flows import commands, data_commands, probing, recipe_files
from flows.recipe_files import LoadedRecipe
from tasks import progress
from tasks.apart import apart
from tasks.probe import Candidate, probe
from tasks.pure.probe_table import HEADERS, conclusion, probe_rows

if TYPE_CHECKING:
    import keras

# A base in words, the recipe, the shape of the target's images → the network that takes such images, without a head.
TakeIn = Callable[[str, LoadedRecipe, tuple[int, int, int]], "keras.Model"]


def probe_bases(
    wanted: str, bases: str, cuts: str | None, settings: Sequence[str], shown_as_json: bool, take_in: TakeIn
) -> int:
    """Print the table and write the picture; exit code 0 whatever is best.

    Args:
        bases, cuts: words between commas, see `probing.section`.
    """
    asked = probing.candidates(probing.listed(bases), probing.listed(cuts))
    overrides = dict(recipe_files.parse_setting(text) for text in settings)
    loaded = recipe_files.load(wanted, overrides)
    commands.quiet_libraries(verbose=False)
    refs, _ = data_commands.looked_at(wanted, overrides, loaded, shown_as_json)
    store, target = Store(), DatasetRef(refs["load_data.target"].digest)
    height, width, channels = store.manifest(target).facts["image_shape"]
    networks = [
        Candidate(word, partial(take_in, word, loaded, (height, width, channels)), places) for word, places in asked
    ]
    console = Console(stderr=shown_as_json)
    with progress.listening(lambda news: _say(console, news)), commands.only_json_on_stdout(shown_as_json):
        evaluated = loaded.recipe.evaluate
        found = apart(probe)(networks, target, loaded.recipe.step_seed("probe"), evaluated.confidence, store)
    picture = probing.write_picture(store, found)
    if shown_as_json:
        commands.print_json(probing.as_json(loaded.name, found, picture))
    else:
        print_found(Console(), found, picture)
    return 0


def print_found(console: Console, found: Mapping[str, Any], picture: Path) -> None:
    """The table, what follows from it, how it was found, and where the picture lies."""
    table = Table(box=None, pad_edge=False)
    for place, header in enumerate(HEADERS):
        table.add_column(escape(header), justify="right" if place else "left", overflow="fold")
    for row in probe_rows(found):
        table.add_row(*(escape(cell) for cell in row))
    console.print(table, highlight=False)
    console.print(f"\n{escape(conclusion(found))}", highlight=False, soft_wrap=True)
    rows = f"{found['num_rows']:,} of {found['of']:,} training pictures"
    how = " / ".join(dict.fromkeys(each["how"] for each in [found["raw_pixels"], *found["probes"]]))
    console.print(f"[dim]{rows}; {escape(how)}; {100 * found['confidence']:.0f} % intervals[/]", highlight=False)
    console.print(f"Picture: {escape(str(picture))}", highlight=False, soft_wrap=True)


def _say(console: Console, news: progress.News) -> None:
    if isinstance(news, progress.Remark):
        console.print(f"[dim]{escape(news.text)}[/]", highlight=False, soft_wrap=True)
