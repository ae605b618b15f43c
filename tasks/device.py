"""Which device trains, and on how many threads. Both change the bits, so both are part of a training step's key.

They are read without TensorFlow, so that `graft plan` and a fully cached run need not import it. When a step then
starts TensorFlow, `prepare` pins it to what the key says, or fails.

`GRAFT_DEVICE=cpu` hides a GPU, `GRAFT_DEVICE=gpu` insists on one; `GRAFT_THREADS=N` sets the threads.
"""

import ctypes.util
import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from artifacts.errors import DeviceError, UsageError

CPU_FLAGS = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})  # without these TensorFlow's CPU kernels end the process
GPU_FILES = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' own Linux


def device() -> dict[str, str | int]:
    """Device kind (`cpu` or `gpu`), machine (`x86_64`) and number of threads.

    Raises:
        UsageError: GRAFT_DEVICE or GRAFT_THREADS is not what it may be, or insists on a GPU that is not there.
    """
    return {"kind": _kind(), "machine": platform.machine(), "threads": _threads()}


def prepare(precision: str = "float32") -> None:
    """Start TensorFlow on just the device and threads that `device` names.

    Args:
        precision: that a training is to compute in.

    Raises:
        DeviceError: TensorFlow sees another device, or was started before with another number of threads; or this
            device cannot compute in that precision.
    """
    check_precision(precision)
    from artifacts.codecs import use_tensorflow

    use_tensorflow()
    import tensorflow as tf

    wanted = device()
    if wanted["kind"] == "cpu":
        _hide_gpus(tf)
    _pin_threads(tf, int(wanted["threads"]))
    found = "gpu" if tf.config.get_visible_devices("GPU") else "cpu"
    if found != wanted["kind"]:
        raise DeviceError(
            f"Expected TensorFlow to see a {wanted['kind']}, it sees a {found} only. Install TensorFlow for your GPU "
            "(`pip install tensorflow[and-cuda]`), or set GRAFT_DEVICE=cpu to train on the CPU."
        )


def check_precision(precision: str) -> None:
    """Raises DeviceError where the device has no bfloat16 of its own, and `precision` asks for it."""
    if precision != "float32" and not has_bfloat16():
        flags = " or ".join(sorted(BFLOAT16_FLAGS))
        raise DeviceError(
            f"`precision: {precision}`: expected a GPU or a CPU with bfloat16 ({flags} in {CPU_FLAGS}), found neither. "
            "Set `precision: float32`, or train on another machine."
        )


def has_bfloat16() -> bool:
    """Whether the device computes products in bfloat16 itself: any GPU, or a CPU whose flags say so."""
    if _kind() == "gpu":
        return True
    try:
        flags = CPU_FLAGS.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return not BFLOAT16_FLAGS.isdisjoint(flags)


def _kind() -> str:
    asked = os.environ.get("GRAFT_DEVICE", "").lower()
    if asked not in ("", "cpu", "gpu"):
        raise UsageError(f"GRAFT_DEVICE: expected `cpu` or `gpu`, found `{asked}`.")
    if asked == "gpu" and sys.platform.startswith("linux") and not any(Path(name).exists() for name in GPU_FILES):
        raise UsageError(
            f"GRAFT_DEVICE=gpu: expected a GPU, found none of {', '.join(GPU_FILES)}. "
            "Unset GRAFT_DEVICE, or set it to cpu."
        )
    return asked or ("gpu" if _gpu_is_usable() else "cpu")


def _gpu_is_usable() -> bool:
    """A GPU counts only where TensorFlow could use it: device file, not hidden, CUDA's libraries installed."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1")
    if hidden or not sys.platform.startswith("linux") or not Path("/dev/nvidia0").exists():
        return False
    packaged = find_spec("nvidia") is not None and find_spec("nvidia.cudnn") is not None
    return packaged or ctypes.util.find_library("cudnn") is not None


def _threads() -> int:
    asked = os.environ.get("GRAFT_THREADS", "")
    if asked and not (asked.isdecimal() and int(asked) > 0):
        raise UsageError(f"GRAFT_THREADS: expected a whole number of at least 1, found `{asked}`.")
    return int(asked) if asked else cores()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _hide_gpus(tf: "object") -> None:
    config = tf.config  # type: ignore[attr-defined]
    if config.get_visible_devices("GPU"):
        try:
            config.set_visible_devices([], "GPU")
        except RuntimeError:
            raise DeviceError(
                "TensorFlow was started with a GPU before graft could hide it; start graft first."
            ) from None


def _pin_threads(tf: "object", threads: int) -> None:
    threading = tf.config.threading  # type: ignore[attr-defined]
    if threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        raise DeviceError(
            f"Expected TensorFlow on {threads} threads, but this process had started it with another number. "
            "Start graft in a process of its own, or set GRAFT_THREADS to that number."
        ) from None
