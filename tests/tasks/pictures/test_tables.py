"""A table that says which file is what: read as text, checked whole, refused with what is wrong and where."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from artifacts.errors import DataError
from artifacts.store import Store
from tasks.pictures.listing import Listing, listing
from tasks.pictures.tables import read_table
from tests.tasks.pictures.folders import put


def write(folder: Path, columns: dict[str, list[Any]], name: str = "labels.csv") -> Path:
    for file in columns.get("file", []):
        if isinstance(file, str) and file.endswith(".png") and not Path(file).is_absolute():
            put(folder / file.strip(), abs(hash(file)) % 1000)
    table = folder / name
    frame = pd.DataFrame(columns)
    frame.to_parquet(table) if name.endswith("parquet") else frame.to_csv(
        table, index=False, sep="\t" if name.endswith("tsv") else ","
    )
    return table


def look(table: Path) -> Listing:
    return listing("list", table, Store(table.parent / "store"), "load_data.target")


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "labels.parquet"])
def test_a_table_says_class_part_and_group(tmp_path: Path, name: str) -> None:
    columns = {"file": ["a.png", "deep/b.png"], "label": ["cat", "dog"], "split": ["train", "val"], "group": ["p1", ""]}
    rows, unread = read_table(write(tmp_path, columns, name))
    assert [(Path(row.path), row.part, row.name, row.group) for row in rows] == [
        (tmp_path / "a.png", "train", "cat", "p1"),
        (tmp_path / "deep" / "b.png", "validation", "dog", ""),
    ]
    assert unread == []


@pytest.mark.parametrize("labels", [["NA", "null"], ["None", "nan"], ["01", "1"], ["1.0", "1e3"], ["true", "False"]])
def test_labels_are_text_whatever_they_look_like(tmp_path: Path, labels: list[str]) -> None:
    rows, _ = read_table(write(tmp_path, {"file": ["a.png", "b.png"], "label": labels}))
    assert [row.name for row in rows] == labels


def test_whole_numbers_of_a_parquet_file_are_names(tmp_path: Path) -> None:
    table = write(tmp_path, {"file": ["a.png", "b.png", "c.png"], "label": [10, 9, 2]}, "labels.parquet")
    assert look(table).classes == ("2", "9", "10")


def test_columns_that_nobody_reads_are_named(tmp_path: Path) -> None:
    table = write(tmp_path, {"file": ["a.png", "b.png"], "label": ["x", "y"], "Group": ["1", "2"]})
    assert look(table).unread == ("Group",)


def test_a_missing_file_is_refused_with_how_many(tmp_path: Path) -> None:
    table = write(tmp_path, {"file": ["a.png", "b.png", "c.png"], "label": ["x", "y", "y"]})
    (tmp_path / "b.png").unlink()
    (tmp_path / "c.png").unlink()
    with pytest.raises(DataError, match=r"2 of 3 are not there, the first: \S*b\.png, \S*c\.png"):
        read_table(table)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": ["a.png"], "label": ["x"]}, "found path, label; missing: file"),
        ({"file": ["a.png"]}, "missing: label"),
        ({"file": ["a.png", "b.png"], "label": ["x", ""]}, r"column `label`, found 1 others: '' in row 2"),
        ({"file": ["a.png", "b.png"], "label": ["x", " y"]}, r"' y' in row 2"),
        ({"file": ["a.png"], "label": ["x"], "split": ["dev"]}, "`split`, found 'dev'"),
        ({"file": ["a.png", "a.png"], "label": ["x", "y"]}, r"one label for each file, found several for 1: \S*a\.png"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_wrong(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, columns))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", b"\xff\xfe\x00file"),
        ("labels.csv", b""),
        ("labels.csv", b'file,label\n"a.png,x\n'),
        ("labels.parquet", b"PAR1 and no more"),
        ("labels.parquet", b""),
        ("labels.parquet", b"file,label\na.png,x\n"),
    ],
)
def test_what_is_no_table_ends_in_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="expected a table"):
        read_table(tmp_path / name)


def test_lists_in_cells_and_rows_that_are_too_long_are_refused(tmp_path: Path) -> None:
    table = write(tmp_path, {"file": ["a.png"], "label": [["x", "y"]]}, "labels.parquet")
    with pytest.raises(DataError, match="in row 1"):
        read_table(table)
    (tmp_path / "long.csv").write_text("file,label\na.png,x,more\n")
    with pytest.raises(DataError, match="expected a table"):
        read_table(tmp_path / "long.csv")


def test_missing_cells_of_a_parquet_file_are_refused(tmp_path: Path) -> None:
    table = write(tmp_path, {"file": ["a.png", "b.png"], "label": ["x", None]}, "labels.parquet")
    with pytest.raises(DataError, match="in row 2"):
        read_table(table)


def test_a_row_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    table = write(tmp_path, {"file": ["a.png", "notes.txt"], "label": ["x", "y"]})
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(DataError, match=r"found 1 files that are none: \S*notes\.txt"):
        look(table)


def test_the_tables_own_name_and_order_change_nothing(tmp_path: Path) -> None:
    columns = {"file": ["a.png", "b.png", "c.png"], "label": ["x", "y", "x"]}
    first = look(write(tmp_path, columns))
    second = look(write(tmp_path, {key: value[::-1] for key, value in columns.items()}, "other.csv"))
    assert second.digest == first.digest
