"""Small picture files for the tests: by Pillow, and TIFFs by hand where Pillow writes no such ones."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def encoded(image: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    """The bytes of a file in a format that Pillow writes."""
    content = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(content, kind, **options)
    return content.getvalue()


def png(rows: bytes, width: int, height: int, depth: int, colour: int, chunks: bytes = b"") -> bytes:
    """A PNG of any depth and colour type; `rows` with a filter byte each; `chunks` stand before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def tiff(
    pixels: bytes, width: int, height: int, bits: int, photometric: int = 1, sample_format: int = 1, order: str = "<"
) -> bytes:
    """An uncompressed TIFF of one channel, little-endian with `<`."""
    entries = [
        (256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 8),
        (277, 3, 1), (278, 3, height), (279, 4, len(pixels)), (339, 3, sample_format),
    ]  # fmt: skip
    padded = pixels + b"\0" * (len(pixels) % 2)
    tags = b""
    for tag, kind, value in entries:
        tags += struct.pack(f"{order}HHI", tag, kind, 1)
        tags += struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(padded))
    return start + padded + struct.pack(f"{order}H", len(entries)) + tags + b"\0" * 4
