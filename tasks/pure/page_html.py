"""The report as one HTML file: no script, no external resource; for the screen (light or dark) and for paper."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.pure import page_content as content
from tasks.pure import page_data
from tasks.pure.page_base import base_rows
from tasks.pure.page_content import Page
from tasks.pure.page_controls import HEADERS, plain_control_rows, training_note
from tasks.pure.page_verdict import tone, verdict

_TEMPLATES = Path(__file__).parent / "data"
# Beyond this many classes the page shows the worst and folds the whole table away.
_MOST_CLASSES_SHOWN, _WORST_CLASSES = 20, 10


def html(page: Page) -> str:
    """The page as one self-contained HTML document; whatever comes from the caller is escaped."""
    return _rendered("page.html.j2", lambda step: content.why(page, step), page=page, **_sections(page))


def data_html(title: str, data: Mapping[str, Any], pictures: Mapping[str, bytes], refused: Sequence[str] = ()) -> str:
    """The page of `graft data`.

    Args:
        data: as in `Page`.
        pictures: contact sheets, `data_source` and `data_target`.
        refused: why a recipe must not be trained on it.
    """
    problems = [*refused, *page_data.problems(data)]
    count = len(problems)
    headline = (
        f"{count} problem{'' if count == 1 else 's'} found."
        if count
        else "Nothing is wrong with it that graft looks for."
    )
    shown = {"pictures": {name: _data_uri(picture) for name, picture in pictures.items() if picture}}
    values = {**shown, **_data(data), "data_problems": problems, "refused": bool(refused)}
    return _rendered("data.html.j2", str, title=title, headline=headline, **values)


def _rendered(template: str, why: Callable[[Any], str], **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shown: dict[str, Any] = {"short": content.short, "duration": content.duration, "percent": content.percent}
    environment.filters |= {**shown, "prose": _prose, "why": why}
    return environment.get_template(template).render(**values)


def _sections(page: Page) -> dict[str, Any]:
    """What the template shows, computed here so that it only has to lay out."""
    return {
        "verdict": verdict(page),
        "tone": tone(page),
        "run_line": content.run_line(page),
        "not_copied": content.NOT_COPIED,
        "tiles": content.tiles(page),
        "figures": content.other_figures(page),
        "facts": content.fact_rows(page),
        "base": base_rows(page.facts.get("taken_in")),
        "controls": content.control_rows(page),
        "lineage": content.lineage(page),
        "no_files": content.NO_FILES,
        "trainings": content.TRAININGS,
        "pictures": {name: _data_uri(picture) for name, picture in page.pictures.items() if picture},
        **_plain_controls(page),
        **_classes(page),
        **_data(page.data),
    }


def _plain_controls(page: Page) -> dict[str, Any]:
    told = {"plain_headers": HEADERS, "plain_note": training_note(page.metrics)}
    return {"plain_controls": plain_control_rows(page.metrics), **told}


def _data(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data_sets": page_data.data_sets(data),
        "data_problems": page_data.problems(data),
        "duplicate_rows": page_data.duplicate_rows(data),
        "duplicates_note": page_data.duplicates_note(data),
    }


def _classes(page: Page) -> dict[str, Any]:
    """The rows for the table by class: all, and the worst first where there are too many to look at."""
    rows = content.class_rows(page)
    if len(rows) <= _MOST_CLASSES_SHOWN:
        return {"classes": rows, "all_classes": []}
    scores = [row["f1"] if row["f1"] is not None else 2.0 for row in page.metrics["per_class"]]
    worst = sorted(range(len(rows)), key=lambda place: scores[place])[:_WORST_CLASSES]
    return {"classes": [rows[place] for place in worst], "all_classes": rows}


def _data_uri(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")


def _prose(sentence: str) -> Any:
    """Escape a sentence and show its `code` as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))
