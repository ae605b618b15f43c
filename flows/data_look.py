"""What `graft data` found, from the store: the inspection, what the recipe refuses of it, and its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.digest import digest_json
from artifacts.inspection_codecs import read_inspection, read_sheets
from artifacts.refs import Ref
from artifacts.sealed import write_atomically
from artifacts.store import Store
from flows import data_checks, data_recipe, summary
from flows.choice import Choice
from flows.dag import STEPS
from flows.recipe_files import LoadedRecipe
from tasks import finding
from tasks.pictures.listing import Listing
from tasks.pure import page_data
from tasks.pure.data.problems import file_name
from tasks.pure.page import data_html
from tasks.pure.readers import LISTED

LOOKED = ("load_data.source", "load_data.target", "inspect_data")
LOOK = Choice({}, frozenset(), frozenset(STEPS) - frozenset(LOOKED), "graft data")


@dataclass(frozen=True)
class Look:
    """What was found.

    Attributes:
        loaded: the recipe.
        alone: whether it was made for the data alone: then the source is the target, and nothing is said of it.
        data: as `Page.data`, without what is about the source where there is none.
        refused: why this recipe must not be trained on that data.
        sheets: the contact sheets as PNG bytes, `data_target` and `data_source`.
    """

    loaded: LoadedRecipe
    alone: bool
    data: Mapping[str, Any]
    refused: list[str]
    sheets: Mapping[str, bytes]

    @property
    def problems(self) -> list[str]:
        """Every sentence, the refusals first."""
        return [*self.refused, *page_data.problems(self.data)]

    @property
    def assumed(self) -> list[str]:
        """What a recipe over data that came without one would have to say."""
        return data_recipe.assumed(self.loaded) if self.alone else []


def look(store: Store, loaded: LoadedRecipe, alone: bool, refs: Mapping[str, Ref], keys: Mapping[str, str]) -> Look:
    """Read what was found.

    Args:
        refs: the outputs of those of `LOOKED` that the recipe has, by step.
        keys: theirs.
    """
    folder = store.folder(refs["inspect_data"])
    found = read_inspection(folder)
    roles = {role: refs[f"load_data.{role}"] for role in ("source", "target") if f"load_data.{role}" in refs}
    listings = {role: each for role in roles if (each := _listing(store, loaded, role))}
    data = summary.data_facts(store, {**roles, "inspection": refs["inspect_data"]}, keys, listings)
    sheets = {f"data_{role}": sheet for role, sheet in read_sheets(folder).items()}
    shown = page_data.alone(found) if alone else found
    refused = data_checks.refusals(loaded.recipe, found, data["names"])
    return Look(loaded, alone, {**data, "inspection": shown}, refused, sheets)


def _listing(store: Store, loaded: LoadedRecipe, role: str) -> Listing | None:
    """The pictures of a folder or table, as they lie there now."""
    section = loaded.recipe.data_section(role)
    if section.dataset not in LISTED:
        return None
    files = finding.files(section.dataset, section.path, store, f"load_data.{role}", download=False)
    return files.listing if files else None


def write_page(store: Store, seen: Look, inspection: Ref) -> Path:
    """Write the page into the store's cache, which may be emptied at any time. Returns its path."""
    about = digest_json([inspection.digest, seen.loaded.name, seen.loaded.overrides, seen.refused])
    path = store.root / "cache" / "data" / about.removeprefix("sha256:")[:16] / "data.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    page = data_html(seen.loaded.title, seen.data, seen.sheets, seen.refused)
    write_atomically(path, page.encode(), store.scratch)
    return path


def as_json(seen: Look, page: Path) -> dict[str, Any]:
    """What `graft data --json` prints; scripts rely on `parts`, `duplicates`, `problems` and `skipped`."""
    found = seen.data["inspection"]
    files = (seen.data.get("pictures") or {}).get("target") or {}
    target = found["target"]
    return {
        "recipe": seen.loaded.name,
        "assumed": seen.assumed,
        "parts": page_data.parts(target),
        "duplicates": found["duplicates"],
        "examples": _examples(found["examples"], seen.data["names"]),
        "problems": seen.problems,
        "skipped": files.get("skipped", 0),
        "skipped_why": files.get("skipped_why", {}),
        "damaged": files.get("damaged", []),
        "refused": seen.refused,
        "classes": target["class_names"],
        "size": target["size"],
        "sizes": files.get("sizes", {}),
        "modes": files.get("modes", {}),
        "brightness": target["brightness"],
        "pixels": target["pixels"],
        "untested": target["untested"],
        **_of_the_source(seen, found),
        "report": str(page),
    }


def _of_the_source(seen: Look, found: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the source, where there is one beside the target."""
    if seen.alone or "source" not in found:
        return {}
    return {"source": {**found["source"], "parts": page_data.parts(found["source"])}}


def _examples(told: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Pairs of equal or nearly equal pictures: where they lie in their parts, and what their files are called."""
    return [
        {
            "pair": each["pair"],
            **{place: each[place] for place in ("first", "second")},
            **{
                f"{place}_file": file_name(names, part, each.get(f"{place}_file", ""))
                for place, part in zip(("first", "second"), each["pair"].split("|"), strict=True)
            },
        }
        for each in told
    ]


def unread(loaded: LoadedRecipe, why: str) -> dict[str, Any]:
    """What `graft data --json` prints of data that cannot be read."""
    none: dict[str, Any] = {"parts": {}, "duplicates": {"exact": {}, "near": {}}}
    return {"recipe": loaded.name, **none, "problems": [why], "skipped": 0, "refused": [why], "report": None}
