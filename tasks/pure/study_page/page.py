"""The page of a study as one HTML file and as Markdown, from one mapping (`told.py`); neither draws nor computes.

The pictures come as PNG bytes (`pictures.drawn`). What comes from outside (names, titles, paths) is escaped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from tasks.pure import page_html
from tasks.pure.study_page.markdown import text_of
from tasks.pure.study_page.sections import Cell, Link, Section, sections
from tasks.pure.study_page.top import line, tiles, title
from tasks.pure.study_page.verdict import tone, verdict


def html(told: Mapping[str, Any]) -> str:
    """The page as one self-contained HTML document: no script, no external resource, links to runs alone."""
    top = {"title": title(told), "line": line(told), "tone": tone(told), "verdict": verdict(told), "tiles": tiles(told)}
    return laid_out(top, sections(told), told.get("pictures") or {})


def laid_out(top: Mapping[str, Any], below: Sequence[Section], pictures: Mapping[str, bytes]) -> str:
    """A page of what stands on top (`title`, `line`, `tone`, `verdict`, `tiles`) and of sections below it."""
    shown = {name: page_html._data_uri(picture) for name, picture in pictures.items()}
    safe = [_with_safe_links(section) for section in below]
    return page_html._rendered("study.html.j2", str, **top, sections=safe, pictures=shown)


def markdown(told: Mapping[str, Any]) -> str:
    """The page as Markdown of less than 200 KB, as Prefect's pages want it; what does not fit is left to the HTML page:
    pictures first, then folded tables."""
    return text_of(told)


def _with_safe_links(section: Section) -> Section:
    """Every link percent-encoded, so that none is anything but a relative path."""
    if section.table is None:
        return section
    rows = [[_safe(cell) for cell in row] for row in section.table.rows]
    return replace(section, table=replace(section.table, rows=rows))


def _safe(cell: Cell) -> Cell:
    return Link(cell.text, _address(cell.href)) if isinstance(cell, Link) else cell


def _address(path: str) -> str:
    """A relative path as an address: a scheme, a host or a quote cannot survive it."""
    return quote(path.lstrip("/"), safe="/")
