"""The page of a sweep as one HTML file and as Markdown, from one mapping (`told.py`)."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.study_page import markdown as study_markdown
from tasks.pure.study_page import page as study_page
from tasks.pure.sweep_page.plots import drawn
from tasks.pure.sweep_page.sections import line, sections, tiles, title, tone, verdict
from tasks.pure.sweep_page.told import pairs


def pictures(told: Mapping[str, Any]) -> dict[str, bytes]:
    """PNG bytes by name, for `html` and `markdown`."""
    return drawn(told, pairs(told))


def html(told: Mapping[str, Any]) -> str:
    """The page as one self-contained HTML document, with the `pictures` that it is told."""
    top = {"title": title(told), "line": line(told), "tone": tone(told), "verdict": verdict(told), "tiles": tiles(told)}
    return study_page.laid_out(top, _there(told), told["pictures"])


def markdown(told: Mapping[str, Any]) -> str:
    """The page as Markdown of less than 200 KB, as Prefect's pages want it."""
    top = study_markdown.topped(title(told), line(told), verdict(told), tiles(told))
    return study_markdown.laid_out(top, _there(told), told["pictures"])


def _there(told: Mapping[str, Any]) -> list[Any]:
    return [section for section in sections(told) if section.there]
