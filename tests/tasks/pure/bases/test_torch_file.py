"""Files of PyTorch are read without PyTorch, and nothing that they name is ever run."""

import os
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.pure.bases import torch_file, torch_pickle
from tasks.pure.bases.torch_file import read_tensors
from tasks.pure.errors import BadBase
from tests.tasks.pure.bases.torch_files import MACHINE, Stored, View, content, pickled, saved, start, write

ARRAYS = {
    "conv.weight": np.arange(24, dtype="<f4").reshape(2, 3, 2, 2),
    "bn.num_batches_tracked": np.array(7, dtype="<i8"),
    "half": np.array([0.5, -2], dtype="<f2"),
    "double": np.array([[1e300]], dtype="<f8"),
}
SOUND = saved(ARRAYS)
SIXTEEN = Stored(np.arange(16, dtype="<f4"), "0")


def refusal(folder: Path, of: bytes) -> str:
    path = write(folder, of)
    with pytest.raises(BadBase) as refused:
        read_tensors(path)
    assert str(path) in str(refused.value) and "Nothing that it names was run" in str(refused.value)
    return str(refused.value)


def test_every_tensor_is_read_in_its_own_shape_dtype_and_numbers(tmp_path: Path) -> None:
    read = read_tensors(write(tmp_path, SOUND))
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[name], array)


def test_a_single_tensor_is_read(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_tensors(write(tmp_path, saved({"w": np.ones(3, "<f4")})))["w"], np.ones(3))


def test_views_of_one_storage_are_told_apart_by_offset_and_strides(tmp_path: Path) -> None:
    views = {"turned": View(SIXTEEN, 1, (3, 2), (1, 4)), "row": View(SIXTEEN, 12, (4,), (1,))}
    read = read_tensors(write(tmp_path, content(views, [SIXTEEN])))
    np.testing.assert_array_equal(read["turned"], [[1, 5], [2, 6], [3, 7]])
    np.testing.assert_array_equal(read["row"], [12, 13, 14, 15])
    assert read["turned"].flags.c_contiguous and read["turned"].flags.writeable


class Command:
    """What a malicious file holds: unpickling it runs a command."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.touched}",)


def test_a_file_that_would_run_a_command_is_refused_and_nothing_is_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    attack = pickled({"conv.weight": Command(touched)})
    for malicious in (attack, start() + attack, start() + pickled({}) + attack):
        assert "system`, which no tensor needs" in refusal(tmp_path, malicious)
    assert not touched.exists()
    pickle.loads(attack)  # it is a real one
    assert touched.exists()


@pytest.mark.parametrize("name", ["builtins eval", "torch load", "collections Counter", "numpy.core.multiarray scalar"])
def test_no_name_but_those_of_tensors_is_admitted(tmp_path: Path, name: str) -> None:
    module, function = name.split()
    told = refusal(tmp_path, start() + b"\x80\x02c" + f"{module}\n{function}\n".encode() + b".")
    assert f"it names `{module}.{function}`" in told


@pytest.mark.parametrize("thing", [{"a": 1.5}, {"a": b"bytes"}, {"a": {1, 2}}, {"a": Stored}])
def test_what_is_no_tensor_is_refused(tmp_path: Path, thing: Any) -> None:
    refusal(tmp_path, start() + pickled(thing) + pickled([]))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (("module", None, "0", "cpu", 16, None), "persistent id"),
        (("storage", None, "0", "cpu", 16, None), "unknown kind"),
        ("storage", "persistent id"),
        (("storage", None, "0", "cpu", 16, ("0", 0, 16)), "persistent id"),
    ],
)
def test_a_persistent_id_is_a_storage_or_refused(tmp_path: Path, told: Any, why: str) -> None:
    program = pickled(told)[:-1] + pickle.BINPERSID + b"."
    assert why in refusal(tmp_path, start() + program)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (17,), (1,)),
        (1, (16,), (1,)),
        (0, (4, 4), (5, 1)),
        (-1, (4,), (1,)),
        (0, (4,), (-1,)),
        (0, (2**20, 2**20), (0, 0)),
        (0, (4, 4), (4,)),
        (0, (True,), (1,)),
        (0, (0,), (1,)),
        (0, (1,) * 9, (1,) * 9),
    ],
)
def test_no_tensor_reaches_outside_its_storage_or_is_larger(
    tmp_path: Path, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    refusal(tmp_path, content({"w": View(SIXTEEN, offset, shape, strides)}, [SIXTEEN]))


def test_a_size_that_the_file_does_not_have_is_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    huge = Stored(SIXTEEN.elements, "0", size=2**60)
    assert "unknown kind or size" in refusal(tmp_path, content({"w": View(huge, 0, (2,), (1,))}, [SIXTEEN]))
    large = Stored(SIXTEEN.elements, "0", size=2**27)
    told = start() + pickled({"w": View(large, 0, (2,), (1,))}) + pickled(["0"]) + struct.pack("<q", 2**27)
    assert "cut off" in refusal(tmp_path, told + SIXTEEN.elements.tobytes())


def test_a_place_far_off_in_the_memo_takes_no_room(tmp_path: Path) -> None:
    """Python's own pickle makes room for all places below it: tens of gigabytes for these seven bytes."""
    program = b"\x80\x02}" + pickle.LONG_BINPUT + struct.pack("<I", 2**32 - 1) + b"."
    refusal(tmp_path, start() + program + pickled([]) + b"more")


def test_many_views_of_the_same_bytes_are_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_file, "MOST_BYTES", 4096)
    kilobyte = Stored(np.zeros(256, "<f4"), "0")
    views = {f"w{place}": View(kilobyte, 0, (256,), (1,)) for place in range(5)}
    read_tensors(write(tmp_path, content({name: views[name] for name in ["w0", "w1", "w2", "w3"]}, [kilobyte])))
    told = refusal(tmp_path, content(views, [kilobyte]))
    assert "tensors of more than 4,096 bytes together" in told


def test_a_file_that_is_too_long_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_file, "MOST_BYTES", len(SOUND) - 1)
    assert f"more than {len(SOUND) - 1:,} bytes" in refusal(tmp_path, SOUND)


def test_a_pickle_that_goes_on_and_on_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_pickle, "MOST_OPERATIONS", 100)
    assert "more than 100 operations" in refusal(tmp_path, SOUND)


def test_texts_that_double_and_double_are_refused_at_once(tmp_path: Path) -> None:
    laughs: Any = ("ha",)
    for _ in range(200):
        laughs = (laughs, laughs)
    refusal(tmp_path, start() + pickled(laughs))
    refusal(tmp_path, pickled(laughs))


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (b"", "no pickle"),
        (b"PK\x03\x04" + bytes(100), "a zip, the form in which later versions save"),
        (pickled(3), "another magic number"),
        (start()[:15] + pickled(1000), "another protocol"),
        (start()[:21] + pickled({**MACHINE, "little_endian": False}), "big-endian"),
        (start() + pickled({}) + pickled(["0"]), "a list of storages"),
        (SOUND + b"\0", "more bytes than its tensors have"),
        (SOUND[:-1], "cut off"),
    ],
)
def test_another_file_is_refused_with_what_it_is(tmp_path: Path, of: bytes, why: str) -> None:
    assert why in refusal(tmp_path, of)


def test_one_storage_described_in_two_ways_is_refused(tmp_path: Path) -> None:
    other = Stored(np.arange(8, dtype="<f8"), "0")
    views = {"a": View(SIXTEEN, 0, (4,), (1,)), "b": View(other, 0, (4,), (1,))}
    assert "described in two ways" in refusal(tmp_path, content(views, [SIXTEEN]))


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadBase, match=r"nowhere\.pth.*No such file"):
        read_tensors(tmp_path / "nowhere.pth")


def read_or_refused(path: Path) -> None:
    """Reads the file; anything but tensors or our own error ends the test."""
    try:
        read = read_tensors(path)
    except BadBase:
        return
    assert all(isinstance(array, np.ndarray) for array in read.values())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    end=st.integers(0, len(SOUND)) | st.just(len(SOUND)),
)
def test_changed_bytes_are_read_or_refused_and_nothing_else(
    tmp_path: Path, changes: list[tuple[int, int]], end: int
) -> None:
    mutated = bytearray(SOUND)
    for place, byte in changes:
        mutated[place] = byte
    read_or_refused(write(tmp_path, bytes(mutated[:end])))


# Operations of every kind with arguments that fit them, so that whole programs come about and not only broken ones.
ARGUMENTS: dict[str, st.SearchStrategy[bytes]] = {
    "uint1": st.binary(min_size=1, max_size=1),
    "uint2": st.binary(min_size=2, max_size=2),
    "int4": st.binary(min_size=4, max_size=4),
    "uint4": st.binary(min_size=4, max_size=4),
    "unicodestring4": st.sampled_from(["w", "storage", "0"]).map(
        lambda text: struct.pack("<I", len(text)) + text.encode()
    ),
    "stringnl_noescape_pair": st.sampled_from(
        [
            b"torch\nFloatStorage\n",
            b"torch._utils\n_rebuild_tensor_v2\n",
            b"collections\nOrderedDict\n",
            b"os\nsystem\n",
        ]
    ),
}
operations = st.sampled_from(pickletools.opcodes).flatmap(
    lambda operation: (
        st.just(b"") if operation.arg is None else ARGUMENTS.get(operation.arg.name, st.binary(max_size=9))
    ).map(lambda argument: operation.code.encode("latin-1") + argument)
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=st.lists(operations, max_size=40).map(b"".join))
def test_a_program_of_any_operations_is_refused(tmp_path: Path, program: bytes) -> None:
    read_or_refused(write(tmp_path, start() + b"\x80\x02" + program + b"."))
