"""What `graft probe` does: the target's data is read, each base is taken in and probed; nothing is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artifacts.digest import digest_json
from artifacts.errors import UsageError
from artifacts.refs import DatasetRef
from artifacts.store import Store
from flows import commands, data_commands, probe_bases, probing, recipe_files
from flows.probe_bases import ProbedBase
from flows.recipe_files import LoadedRecipe
from tasks import progress
from tasks.apart import apart
from tasks.device import device
from tasks.probe import Candidate, outlined, probe
from tasks.pure import probe_cuts
from tasks.pure.errors import SurgeryError
from tasks.pure.probe_table import conclusion, headers, probe_rows


def probe_all(wanted: str, bases: str, cuts: str | None, settings: Sequence[str], shown_as_json: bool) -> int:
    """Print the table and write the picture; exit code 0 whatever is best.

    Args:
        bases, cuts: words between commas, see `probing.section` and `tasks/pure/probe_cuts.py`.
    """
    overrides = dict(recipe_files.parse_setting(text) for text in settings)
    loaded = recipe_files.load(wanted, overrides)
    device()  # a wrong GRAFT_DEVICE is said before anything is read
    store, console = Store(), Console(stderr=shown_as_json)
    named = [probe_bases.named(word, loaded) for word in probing.words(bases)]
    for each in named:
        probe_bases.check(each, store)
    commands.quiet_libraries(verbose=False)
    targets = _targets(wanted, overrides, loaded, named, shown_as_json)
    sized = [probe_bases.sized(each, *store.manifest(targets[each.word]).facts["image_shape"][:2]) for each in named]
    candidates = [probe_bases.candidate(each, targets[each.word], store) for each in sized]
    with progress.listening(lambda news: _say(console, news)), commands.only_json_on_stdout(shown_as_json):
        found = apart(_found)(candidates, probing.listed(cuts), loaded, store)
    found["warnings"] = [said for base in sized if (said := probe_bases.seen_before(base, loaded, store))]
    picture = probing.write_picture(store, found)
    if shown_as_json:
        sections = {each.word: probe_bases.section_of(each) for each in sized}
        commands.print_json(probing.as_json(loaded.name, found, picture, sections))
    else:
        print_found(Console(), found, picture)
    return 0


def _targets(
    wanted: str, overrides: Mapping[str, Any], loaded: LoadedRecipe, named: Sequence[ProbedBase], shown_as_json: bool
) -> dict[str, DatasetRef]:
    """The target's images as they are decoded for each base; read but once for all that see them alike."""
    found: dict[str, DatasetRef] = {}
    targets = {}
    for base in named:
        decoding = base.decoding(loaded)
        alike = digest_json(decoding)
        if alike not in found:
            decoded = recipe_files.load(wanted, {**overrides, **decoding}) if decoding else loaded
            refs, _ = data_commands.looked_at(wanted, {**overrides, **decoding}, decoded, shown_as_json)
            found[alike] = DatasetRef(refs["load_data.target"].digest)
        targets[base.word] = found[alike]
    return targets


def _found(candidates: Sequence[Candidate], cuts: Sequence[str], loaded: LoadedRecipe, store: Store) -> dict[str, Any]:
    """Every cut is known to be there before any base is asked."""
    if cuts:
        outlines = {each.name: outlined(each, store) for each in candidates}
        try:
            places = probe_cuts.resolved(outlines, cuts)
        except SurgeryError as problem:
            raise UsageError(str(problem)) from None
        candidates = [replace(each, cuts=places[each.name]) for each in candidates]
    recipe = loaded.recipe
    return probe(candidates, recipe.step_seed("probe"), recipe.evaluate.confidence, store)


def print_found(console: Console, found: Mapping[str, Any], picture: Path) -> None:
    """The table, what follows from it, how it was found, and where the picture lies."""
    table = Table(box=None, pad_edge=False)
    for place, header in enumerate(headers(found)):
        table.add_column(escape(header), justify="right" if place else "left", no_wrap=bool(place), overflow="fold")
    for row in probe_rows(found):
        table.add_row(*(escape(cell) for cell in row))
    console.print(table, highlight=False)
    console.print(f"\n{escape(conclusion(found))}", highlight=False, soft_wrap=True)
    for warning in found["warnings"]:
        console.print(f"[yellow]{escape(warning)}[/]", highlight=False, soft_wrap=True)
    rows = f"{found['num_rows']:,} of {found['of']:,} training pictures"
    how = " / ".join(dict.fromkeys(each["how"] for each in [found["raw_pixels"], *found["probes"]]))
    console.print(f"[dim]{rows}; {escape(how)}; {100 * found['confidence']:.0f} % intervals[/]", highlight=False)
    console.print(f"Picture: {escape(str(picture))}", highlight=False, soft_wrap=True)


def _say(console: Console, news: progress.News) -> None:
    if isinstance(news, progress.Remark):
        console.print(f"[dim]{escape(news.text)}[/]", highlight=False, soft_wrap=True)
