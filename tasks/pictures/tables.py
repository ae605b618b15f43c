"""A table that says which file is what: `labels.csv`, `.tsv` or `.parquet` with the columns file, label, split, group.

pandas reads it, every cell as text: a class called `NA`, `01` or `1.0` keeps its name.
"""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts.errors import DataError
from tasks.pictures.scanning import WHOLE
from tasks.pure.data.naming import one_form

if TYPE_CHECKING:
    import pandas as pd

REQUIRED, OPTIONAL = ("file", "label"), ("split", "group")
SPLITS = {
    "train": "train", "training": "train", "test": "test", "validation": "validation", "val": "validation",
    "valid": "validation",
}  # fmt: skip
SHOWN = 10


@dataclass(frozen=True)
class Row:
    """A line of the table: absolute path, part ("" where the table names none), class, group ("" for none)."""

    path: str
    part: str
    name: str
    group: str


def read_table(path: Path) -> tuple[list[Row], list[str]]:
    """The rows of a table, and the columns that nobody reads.

    Raises:
        DataError: no table that pandas reads, a column that is missing, a cell that is empty or says something else, a
            file that is not there or has two labels.
    """
    frame = _frame(path)
    _check_columns(path, list(frame.columns))
    text = {name: _text(path, frame, name) for name in (*REQUIRED, *OPTIONAL) if name in frame.columns}
    parts = _parts(path, text["split"]) if "split" in text else [WHOLE] * len(frame)
    groups = text.get("group") or [""] * len(frame)
    files = [os.path.normpath(path.parent / os.path.expanduser(each)) for each in text["file"]]
    rows = [
        Row(file, part, one_form(name), one_form(group))
        for file, part, name, group in zip(files, parts, text["label"], groups, strict=True)
    ]
    _check_labels(path, rows)
    _check_files(path, rows)
    return rows, [str(name) for name in frame.columns if name not in (*REQUIRED, *OPTIONAL)]


def _frame(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more cells than the header has
            return pd.read_csv(
                path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
            )
    except Exception as problem:  # noqa: BLE001 - whatever pandas or pyarrow raises on outside bytes
        why = getattr(problem, "strerror", None) or " ".join(str(problem).split())[:200]
        raise DataError(
            f"{path}: expected a table (.csv in UTF-8, .tsv or .parquet) with the columns file, label and perhaps "
            f"split and group; it cannot be read ({why}). Mend the file, or `path`."
        ) from None


def _check_columns(path: Path, columns: list[object]) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    twice = [name for name in (*REQUIRED, *OPTIONAL) if columns.count(name) > 1]
    if missing or twice:
        what = f"missing: {', '.join(missing)}" if missing else f"there twice: {', '.join(twice)}"
        raise DataError(
            f"{path}: expected the columns file, label and perhaps split and group, found "
            f"{', '.join(str(name) for name in columns) or 'none'}; {what}. Rename the columns."
        )


def _text(path: Path, frame: "pd.DataFrame", name: str) -> list[str]:
    """The cells of a column as text. Whole numbers of a Parquet file are names too; nothing else is."""
    cells = frame[name].tolist()
    may_be_empty = name == "group"
    said = ["" if _is_missing(cell) else str(cell) if isinstance(cell, int) else cell for cell in cells]
    wrong = [
        (place, cells[place])
        for place, cell in enumerate(said)
        if not isinstance(cell, str)
        or isinstance(cells[place], bool)
        or cell != cell.strip()
        or not (cell or may_be_empty)
    ]
    if wrong:
        shown = ", ".join(f"{cell!r} in row {place + 1}" for place, cell in wrong[:SHOWN])
        raise DataError(
            f"{path}: expected text without blanks at its ends in each cell of the column `{name}`, found "
            f"{len(wrong):,} others: {shown} (rows counted from 1 below the header). Mend them."
        )
    return [str(cell) for cell in said]


def _is_missing(cell: object) -> bool:
    not_a_number = isinstance(cell, float) and cell != cell
    return cell is None or not_a_number or type(cell).__name__ in ("NAType", "NaTType")


def _parts(path: Path, said: Sequence[str]) -> list[str]:
    unknown = sorted({each for each in said if each.casefold() not in SPLITS})
    if unknown:
        raise DataError(
            f"{path}: expected `train`, `test` or `validation` in the column `split`, found "
            f"{', '.join(repr(each) for each in unknown[:SHOWN])}. Mend these, or leave the column out and set "
            "`test: 0.2`."
        )
    return [SPLITS[each.casefold()] for each in said]


def _check_labels(path: Path, rows: Sequence[Row]) -> None:
    labels: dict[str, str] = {}
    torn = [row.path for row in rows if labels.setdefault(row.path, row.name) != row.name]
    if torn:
        raise DataError(
            f"{path}: expected one label for each file, found several for {len(torn):,}: "
            f"{', '.join(torn[:SHOWN])}. Leave one row for each."
        )


def _check_files(path: Path, rows: Sequence[Row]) -> None:
    missing = [row.path for row in rows if not os.path.isfile(row.path)]
    if missing:
        raise DataError(
            f"{path}: expected every file in the column `file` (relative to the table's folder); {len(missing):,} of "
            f"{len(rows):,} are not there, the first: {', '.join(missing[:SHOWN])}. Mend the paths, or remove the rows."
        )
