"""A clean start for Keras, so that nothing of the process's past shows in a result."""

import hashlib


def fresh(seed: int) -> None:
    """Forget names and seeds of this process: clear Keras' global state, then seed Python, NumPy and TensorFlow.

    Automatic layer names count up with what a process made before, and unseeded initialisers draw from its history;
    both would make the same step give other bits in a longer-lived process.
    """
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)


def derive(*parts: int | str) -> int:
    """A seed of 31 bits from numbers and names, such as (step seed, epoch): SHA-256 of them, first four bytes."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
