"""What identifies things: content in one canonical form, and nothing else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from artifacts.digest import canonical_json, digest_arrays, digest_bytes, digest_file, digest_json, digest_model

plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
some_array = arrays_of.arrays(
    st.sampled_from([np.uint8, np.int64, np.float32, np.float64, np.bool_]),
    arrays_of.array_shapes(max_dims=3, max_side=4),
)


@given(value=plain_json)
def test_canonical_json_reads_back_as_what_it_was(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(value=st.dictionaries(st.text(), plain_json, min_size=2))
def test_key_order_does_not_matter(value: dict[str, Any]) -> None:
    assert digest_json(dict(reversed(value.items()))) == digest_json(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_has_no_digest(number: float) -> None:
    with pytest.raises(ValueError):
        digest_json({"loss": number})


def test_one_and_true_and_1_0_are_three_things() -> None:
    assert len({digest_json(value) for value in (1, True, 1.0, "1")}) == 4


def test_a_digest_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"graft")

    assert digest_file(tmp_path / "file") == digest_bytes(b"graft")
    assert digest_bytes(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_file_of_more_than_one_piece_is_read_to_its_end(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096 * 3 + b"tail"
    (tmp_path / "file").write_bytes(content)
    assert digest_file(tmp_path / "file") == digest_bytes(content)


@given(array=some_array, data=st.data())
def test_one_changed_bit_changes_an_arrays_digest(array: np.ndarray, data: st.DataObject) -> None:
    changed = array.copy()
    flat = changed.reshape(-1).view(np.uint8)
    position = data.draw(st.integers(0, flat.size - 1))
    flat[position] ^= 1
    assert digest_arrays({"x": changed}) != digest_arrays({"x": array})


@given(array=some_array)
def test_memory_layout_and_byte_order_do_not_matter(array: np.ndarray) -> None:
    swapped = array.astype(array.dtype.newbyteorder(">"))
    assert (
        digest_arrays({"x": np.asfortranarray(array)}) == digest_arrays({"x": array}) == digest_arrays({"x": swapped})
    )


@given(array=some_array)
def test_shape_dtype_and_name_are_part_of_the_digest(array: np.ndarray) -> None:
    others = [{"x": array[np.newaxis]}, {"x": array.astype(np.complex128)}, {"y": array}, {"x": array, "y": array}]
    assert len({digest_arrays(each) for each in [{"x": array}, *others]}) == 5


@given(array=some_array, cut=st.integers(0, 63))
def test_bytes_do_not_run_from_one_array_into_the_next(array: np.ndarray, cut: int) -> None:
    flat = array.reshape(-1)
    cut %= flat.size + 1
    split = {"a": flat[:cut], "b": flat[cut:]}
    assert digest_arrays(split) != digest_arrays({"a": flat, "b": flat[:0]}) or cut == flat.size


def test_what_belongs_to_the_arrays_is_part_of_their_digest() -> None:
    arrays = {"x": np.zeros(2)}
    assert digest_arrays(arrays, ["cat", "dog"]) != digest_arrays(arrays, ["dog", "cat"])


def test_a_models_digest_is_made_of_config_weights_in_order_and_flags() -> None:
    config, weights, flags = {"name": "m"}, [np.zeros(2), np.ones(2)], [("dense_1", True)]
    variants = [
        (config, weights, flags),
        ({"name": "n"}, weights, flags),
        (config, weights[::-1], flags),
        (config, weights, [("dense_1", False)]),
    ]
    assert len({digest_model(*each) for each in variants}) == 4
