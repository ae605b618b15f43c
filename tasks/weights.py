"""Where the ImageNet weights of `keras.applications` are: in Keras' cache, or on the network, from where Keras fetches.

`find` only looks, and imports neither Keras nor TensorFlow; `fetch` downloads what `find` does not find.
"""

import contextlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from artifacts.errors import DataError
from tasks.device import prepare
from tasks.pure.bases.base import Option
from tasks.pure.bases.known_applications import CHANNELS, checked_options, trained_size, weights_file
from tasks.sources import download, keras_cache

FOLDER = "models"  # in Keras' cache


@dataclass(frozen=True)
class Published:
    """A file of weights as Keras knows it.

    Attributes:
        file: name in Keras' cache.
        origin: URL.
        file_hash: hex digits, SHA-256 or MD5; None where Keras pins none (MobileNet and MobileNetV2).
    """

    file: str
    origin: str
    file_hash: str | None


class _Asked(Exception):
    """Keras asked for a file; instead of fetching it, its builder is left."""


def find(name: str, options: Mapping[str, Option], size: tuple[int, int] | None = None) -> Path | None:
    """Look for the weights of an application in Keras' cache.

    Args:
        name: of the application, such as `MobileNetV2`.
        options: of its builder, from the recipe.
        size: (height, width) of the pictures; MobileNet and MobileNetV2 have weights for several.

    Returns:
        The file, or None where it is not there.

    Raises:
        BadBase: no such application or option, or Keras has no weights for it.
    """
    place = _place(name, options, size)
    return place if place.is_file() else None


def fetch(name: str, options: Mapping[str, Option], size: tuple[int, int] | None = None) -> Path:
    """Find the weights of an application, or let Keras download them into its cache, with the hash that Keras pins.

    Args:
        name, options, size: as for `find`.

    Raises:
        BadBase: as `find`.
        DataError: neither found nor fetched, with the file's name, its URL and the command that puts it in place.
    """
    place = _place(name, options, size)
    if place.is_file():
        return place
    file = published(name, options, size)
    try:
        download(file.file, file.origin, file.file_hash, place.parent)
    except Exception as error:  # Keras raises bare `Exception` for a failed URL, besides OSError and ValueError
        raise DataError(_nowhere(name, file, place, error)) from None
    return place


def published(name: str, options: Mapping[str, Option], size: tuple[int, int] | None) -> Published:
    """What Keras itself would fetch: its builder is run up to the point where it asks for the file.

    So that no URL and no hash is copied here, which a new Keras would change. Takes as long as Keras takes to build
    the network: seconds, before a download of many megabytes.
    """
    prepare()  # TensorFlow takes no other device or number of threads once it has held a tensor, and steps follow
    import keras
    from keras.src.utils import file_utils

    asked: list[Published] = []

    def note(fname: str, origin: str, file_hash: str | None = None, **_: Any) -> NoReturn:
        asked.append(Published(fname, origin, file_hash))
        raise _Asked

    edge = trained_size(name, size)
    chosen = checked_options(name, options, imagenet=True)
    builder = getattr(keras.applications, name)
    with mock.patch.object(file_utils, "get_file", note), contextlib.suppress(_Asked):
        builder(include_top=False, weights="imagenet", input_shape=(edge, edge, CHANNELS), **chosen)
    return asked[0]


def _place(name: str, options: Mapping[str, Option], size: tuple[int, int] | None) -> Path:
    return keras_cache() / FOLDER / weights_file(name, options, size)


def _nowhere(name: str, file: Published, place: Path, error: Exception) -> str:
    folder = shlex.quote(str(place.parent))
    return (
        f"The ImageNet weights of {name} were neither found nor fetched: expected {place} (KERAS_HOME moves it), and "
        f"Keras' own download failed: {error}. Any one of these mends it: (1) mend the network and run the same "
        f"command again; (2) fetch {file.origin} elsewhere, then `mkdir -p {folder} && cp "
        f"{shlex.quote(place.name)} {folder}`; (3) name a file of yours: `base.weights: PATH`; (4) set "
        "`base.weights: none`: random weights, for comparison."
    )
