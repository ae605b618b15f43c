"""Device and threads: read without TensorFlow, then held to."""

import os
import subprocess
import sys
from typing import Any

import pytest

from artifacts.errors import DeviceError, UsageError
from tasks import device as devices
from tasks.device import device
from tests.flows.processes import ROOT, environment

PINNED = """
from tasks.device import prepare
prepare()
import tensorflow as tf
threading = tf.config.threading
print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())
"""
TOO_LATE = """
import os, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.zeros(1)
os.environ["GRAFT_THREADS"] = "2"
from artifacts.errors import DeviceError
from tasks.device import prepare
try:
    prepare()
except DeviceError as problem:
    print(problem)
"""


def in_a_process(code: str, **changes: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(**changes), cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRAFT_DEVICE", "GRAFT_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


def test_the_threads_are_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device()["threads"] == len(os.sched_getaffinity(0))
    monkeypatch.setenv("GRAFT_THREADS", "7")
    assert device()["threads"] == 7


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GRAFT_THREADS", "0", "a whole number of at least 1, found `0`"),
        ("GRAFT_THREADS", "-1", "found `-1`"),
        ("GRAFT_THREADS", "two", "found `two`"),
        ("GRAFT_DEVICE", "tpu", "expected `cpu` or `gpu`, found `tpu`"),
    ],
)
def test_a_bad_value_is_bad_usage(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"{name}: .*{said}"):
        device()


def test_insisting_on_a_gpu_that_is_not_there_is_bad_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "GPU_FILES", ("/nowhere/gpu",))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("GRAFT_DEVICE", "gpu")
    with pytest.raises(UsageError, match="found none of /nowhere/gpu"):
        device()


def test_cpu_may_be_asked_for_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_DEVICE", "CPU")
    assert device()["kind"] == "cpu"


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_hidden_gpu_does_not_count(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = devices.Path.exists
    monkeypatch.setattr(devices.Path, "exists", lambda path: str(path) == "/dev/nvidia0" or real(path))
    monkeypatch.setattr(devices, "find_spec", lambda name: object())
    monkeypatch.setattr(sys, "platform", "linux")
    assert device()["kind"] == "gpu"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert device()["kind"] == "cpu"


def test_tensorflow_runs_on_the_threads_that_the_key_names() -> None:
    assert in_a_process(PINNED, GRAFT_THREADS="1") == "1 1"


def test_tensorflow_started_before_with_other_threads_is_refused() -> None:
    assert "Expected TensorFlow on 2 threads" in in_a_process(TOO_LATE)


@pytest.mark.parametrize(("flags", "has_it"), [("avx2 fma", False), ("avx2 avx512_bf16", True), ("amx_bf16", True)])
def test_a_cpu_s_flags_say_whether_it_has_bfloat16(
    flags: str, has_it: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_DEVICE", "cpu")
    monkeypatch.setattr(devices, "CPU_FLAGS", tmp_path / "cpuinfo")
    assert not devices.has_bfloat16(), "nobody says so"
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : fpu {flags}\n")
    assert devices.has_bfloat16() is has_it
    devices.check_precision("float32")
    if not has_it:
        with pytest.raises(DeviceError, match="`precision: mixed_bfloat16`: expected a GPU or a CPU with bfloat16"):
            devices.check_precision("mixed_bfloat16")
