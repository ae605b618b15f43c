"""The page of a study as Markdown: tables that any renderer shows, pictures as data URIs while they fit."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.pure import page_markdown
from tasks.pure.page_content import Tile
from tasks.pure.page_markdown import LARGEST, escape
from tasks.pure.study_page.sections import Cell, Link, Section, Table, sections
from tasks.pure.study_page.top import line, tiles, title
from tasks.pure.study_page.verdict import verdict

_prose = page_markdown._prose


def text_of(told: Mapping[str, Any]) -> str:
    """The page, at most `LARGEST` bytes while its own tables are not longer than that."""
    return laid_out(_top(told), sections(told), told.get("pictures") or {})


def laid_out(top: list[str], wanted: list[Section], pictures: Mapping[str, bytes]) -> str:
    """A page of what stands on top and of sections below it, with as many pictures as fit into `LARGEST` bytes."""
    texts = _fitting(wanted, LARGEST - _size(top))
    left = LARGEST - _size([*top, *texts])
    parts = []
    for section, text in zip(wanted, texts, strict=True):
        head, _, rest = text.partition("\n\n")
        parts.append(head)
        for name, caption in section.pictures:
            shown = _picture(pictures[name], section.title, caption)
            fits = _size([shown]) <= left
            left -= _size([shown]) if fits else 0
            parts.append(shown if fits else f"*{escape(section.title)}: too large to stand here, see the HTML page.*")
        parts.append(rest)
    return "\n\n".join(part for part in [*top, *parts] if part) + "\n"


def _top(told: Mapping[str, Any]) -> list[str]:
    return topped(title(told), line(told), verdict(told), tiles(told))


def topped(title: str, line: str, verdict: Sequence[str], tiles: Sequence[Tile]) -> list[str]:
    """What stands on top of a page."""
    first, *further = verdict
    bullets = "\n".join(f"- {_prose(sentence)}" for sentence in further)
    numbers = page_markdown.table(["figure", "value", "of"], [(each.label, each.value, each.note) for each in tiles])
    return [f"# {escape(title)}", escape(line), "## Verdict", f"**{_prose(first)}**", bullets, numbers]


def _fitting(wanted: list[Section], room: int) -> list[str]:
    """The sections as text; while they are too long together, folded tables are left out, the longest first."""
    texts = [_text(section) for section in wanted]
    for place in sorted(range(len(texts)), key=lambda place: -len(texts[place])):
        if _size(texts) > room and wanted[place].folded:
            texts[place] = f"## {escape(wanted[place].title)}\n\n*Too long to stand here, see the HTML page.*"
    return texts


def _text(section: Section) -> str:
    parts = [f"## {escape(section.title)}", *map(_prose, section.text)]
    parts += [_table(section.table) if section.table else "", page_markdown._fenced(section.code, "")]
    return "\n\n".join(part for part in parts if part)


def _table(table: Table) -> str:
    return page_markdown.table(table.headers, [[_cell(cell) for cell in row] for row in table.rows])


def _cell(cell: Cell) -> str:
    if isinstance(cell, Link):
        return f"{cell.text} `{cell.href}`" if cell.spelled and cell.href else cell.text
    return cell


def _picture(picture: bytes, title: str, caption: str) -> str:
    uri = base64.b64encode(picture).decode("ascii")
    return f"![{escape(title)}](data:image/png;base64,{uri})\n\n{_prose(caption)}"


def _size(parts: list[str]) -> int:
    return sum(len(part.encode()) + 2 for part in parts)
