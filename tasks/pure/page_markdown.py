"""The report as Markdown: tables that any renderer shows, pictures as data URIs while they fit."""

import base64
import re
from collections.abc import Sequence
from typing import Any

from tasks.pure import page_content as content
from tasks.pure import page_data
from tasks.pure.page_base import base_rows
from tasks.pure.page_content import Page
from tasks.pure.page_controls import HEADERS, plain_control_rows, training_note
from tasks.pure.page_verdict import verdict

# Prefect's pages want a Markdown artifact below about 200 KB.
LARGEST = 195_000
_MOST_CLASSES_WITH_MATRIX = 12
_RATES = tuple(f"rate_{step}" for step in content.TRAININGS)
_PICTURES = (
    ("learning_curves", "Learning curves"),
    ("confusion", "Confusion matrix"),
    ("mistakes", "The mistakes it was surest of"),
    ("reliability", "Reliability"),
    ("data_target", "Pictures of the target"),
    ("data_source", "Pictures of the source"),
    ("shown", "What the network was shown"),
    *((f"rate_{step}", f"The learning rate of {step}") for step in content.TRAININGS),
)


def markdown(page: Page) -> str:
    """The page as Markdown of less than 200 KB; pictures that do not fit are named and left to the HTML page."""
    parts = _text_parts(page)
    left = LARGEST - sum(len(part.encode()) for part in parts.values())
    for name, title in _PICTURES:
        if picture := page.pictures.get(name):
            uri = base64.b64encode(picture).decode("ascii")
            fits = len(uri) + 200 <= left
            left -= len(uri) + 200 if fits else 0
            left_out = f"*{title}: too large to stand here, see the HTML report.*"
            image = f"![{title}](data:image/png;base64,{uri})" if fits else left_out
            parts[name] = f"## {title}\n\n{image}\n\n{parts.get(name, '')}"
    before = ["top", "figures", "learning_curves", *_RATES, "shown", "classes", "confusion", "mistakes", "reliability"]
    order = [*before, "data", "data_target", "data_source", "rest"]
    return "\n\n".join(parts[name].strip() for name in order if parts.get(name)) + "\n"


def _text_parts(page: Page) -> dict[str, str]:
    parts = {"top": _top(page), "figures": _figures(page), "classes": _classes(page), "rest": _rest(page)}
    return {**parts, "data": _data(page), **_matrix(page)}


def _top(page: Page) -> str:
    banner = [] if page.copy_weights else [f"> **{content.NOT_COPIED[0].upper()}{content.NOT_COPIED[1:]}.**"]
    sentences = [f"- {_prose(sentence)}" for sentence in verdict(page)]
    head = [f"# {escape(page.title)}", escape(content.run_line(page)), *banner]
    answer = page.study.get("answer") or {}
    # No link: Prefect's UI shows this text elsewhere than where the page lies.
    lies = [_prose(f"The study's page, seen from this run's folder: `{answer['page']}`")] if answer.get("page") else []
    return "\n\n".join([*head, "## Verdict", "\n".join(sentences), *lies])


def _figures(page: Page) -> str:
    tiles = [(tile.label, tile.value, tile.note) for tile in content.tiles(page)]
    others = [(name, value, "") for name, value in content.other_figures(page)]
    parts = ["## Figures", table(["figure", "value", "beside it"], [*tiles, *others]) or "Not evaluated."]
    if beside := plain_control_rows(page.metrics):
        parts += ["## Beside plain controls", table(HEADERS, beside), escape(training_note(page.metrics))]
    if rows := content.control_rows(page):
        names = [page.controls.get("this_name") or "this", page.controls.get("other_name") or "control"]
        parts += ["## Against its control", table(["seed", *names, "difference (points)"], rows)]
    parts += ["## What was grafted", table(["", ""], content.fact_rows(page))]
    if base := base_rows(page.facts.get("taken_in")):
        parts += [f"## Base{'' if page.copy_weights else f' ({content.NOT_COPIED})'}", table(["", ""], base)]
    return "\n\n".join(parts)


def _classes(page: Page) -> str:
    rows = content.class_rows(page)
    return "## By class\n\n" + table(["class", "precision", "recall", "F1", "test images"], rows) if rows else ""


def _data(page: Page) -> str:
    """What was found in the data, before the contact sheets."""
    sets = page_data.data_sets(page.data)
    if not sets:
        return ""
    parts = ["## The data", *(f"- {_prose(sentence)}" for sentence in page_data.problems(page.data))]
    for each in sets:
        parts += [f"### {each.role.capitalize()}", table(each.headers, each.counts), escape(each.note)]
        parts.append(table(["", ""], each.facts))
    rows = table(["pictures", "exactly", "nearly"], page_data.duplicate_rows(page.data))
    parts += ["### The same picture in two parts", rows, _prose(page_data.duplicates_note(page.data))]
    return "\n\n".join(part for part in parts if part)


def _matrix(page: Page) -> dict[str, str]:
    """The confusion matrix in figures too, while it is small enough to be read."""
    matrix, names = page.metrics.get("confusion"), page.metrics.get("class_names")
    if not matrix or not names or len(names) > _MOST_CLASSES_WITH_MATRIX:
        return {}
    rows = [[name, *map(str, row)] for name, row in zip(names, matrix, strict=True)]
    return {"confusion": table(["true ↓ predicted →", *names], rows)}


def _rest(page: Page) -> str:
    steps = [_step(page, step) for step in page.steps]
    made = [
        [item.label, content.short(item.digest), ", ".join(map(_source, item.sources)) or content.NO_FILES]
        for item in content.lineage(page)
    ]
    sections = [
        ("Steps", table(["step", "hit or ran", "time", "why", "artifact"], steps)),
        ("Made from", table(["artifact", "digest", "made from"], made)),
        ("Recipe", _fenced(page.recipe_yaml, "yaml")),
    ]
    return "\n\n".join(f"## {title}\n\n{body}" for title, body in sections if body)


def _step(page: Page, step: dict[str, Any]) -> list[object]:
    took, artifact = content.duration(step.get("seconds")), content.short(step.get("artifact"))
    return [step["step"], step.get("status"), took, content.why(page, step), artifact]


def _source(source: tuple[str, str, str]) -> str:
    name, label, digest = source
    return f"{label or name} ({content.short(digest)})"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; every cell is escaped. "" where there are no rows."""
    if not rows:
        return ""
    lines = [headers, ["---"] * len(headers), *rows]
    cells = [[_prose(str(cell if cell is not None else "")) for cell in line] for line in lines]
    cells[1] = ["---"] * len(headers)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in a table cell too: no markup, no HTML, no line break."""
    flat = " ".join(text.splitlines())
    marked = re.sub(r"([\\`*_\[\]{}#|~!$])", r"\\\1", flat)
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _prose(sentence: str) -> str:
    """A sentence with its `code` kept as code and everything else escaped."""
    pieces = sentence.split("`")
    if len(pieces) % 2 == 0:
        return escape(sentence)
    return "".join(_code(piece) if place % 2 else escape(piece) for place, piece in enumerate(pieces))


def _code(piece: str) -> str:
    """`code`; where its text would end a table cell or a line it is escaped as text instead."""
    return escape(piece) if not piece.strip() or re.search(r"[|\r\n]", piece) else f"`{piece}`"


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}" if text.strip() else ""
