"""What is a picture and what is litter: by the first bytes of a file and by its name, without decoding anything.

A file that holds no image format at all is litter, unless its name promises one: `notes.txt` may lie beside photos, but
a `cat.jpg` that is no JPEG is a damaged picture, and somebody should be told.
"""

import re
from pathlib import PurePath

from tasks.pure.errors import BadData

HEAD = 4096  # bytes: enough to recognise any format

# What a format's file begins with, by Pillow's name of the format. Nothing else is ever opened: Pillow knows formats
# that start a process (EPS: Ghostscript) or read text as images, and none of them is on this list.
SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "DIB": re.compile(rb"[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0.{8}\x01\0[\x01\x04\x08\x10\x18\x20]\0", re.DOTALL),
    "TIFF": re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
    "WEBP": re.compile(rb"RIFF.{4}WEBPVP8", re.DOTALL),
    "PPM": re.compile(rb"(P[1-6]\s\s*(#[^\n]*\n\s*)*\d+|P[fF]\s+\d+\s+\d+)\s"),
    "ICO": re.compile(rb"\0\0\x01\0[^\0]\0.{3}\0", re.DOTALL),
    "JPEG2000": re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"),
    "AVIF": re.compile(rb".{4}ftyp(avif|avis|.{4}.{4}(.{4})*?(avif|avis))", re.DOTALL),
    "PCX": re.compile(rb"\x0a[\0\x02\x03\x04\x05]\x01[\x01\x02\x04\x08]"),
    "QOI": re.compile(rb"qoif.{8}[\x03\x04][\0\x01]", re.DOTALL),
}
# Pictures that are known and not read.
FOREIGN = {
    "HEIC": re.compile(rb".{4}ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    "Photoshop": re.compile(rb"8BPS\0[\x01\x02]"),
    "PostScript": re.compile(rb"%!PS-Adobe-\S+ EPSF|\xc5\xd0\xd3\xc6"),
}
SUFFIXES = (
    *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".ico", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe"),
    *(".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pcx", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga"),
    *(".tif", ".tiff", ".webp"),
)
# A camera's raw file is a TIFF to Pillow, which would take the thumbnail in it for the picture.
FOREIGN_SUFFIXES = (
    *(".arw", ".cr2", ".cr3", ".dng", ".eps", ".heic", ".heif", ".jxl", ".nef", ".orf", ".psd", ".raf", ".rw2"),
)
LITTER_NAMES = (
    *("$recycle.bin", "@eadir", "__macosx", "__pycache__", "desktop.ini", "ehthumbs.db", "ehthumbs_vista.db"),
    *("icon\r", "lost+found", "system volume information", "thumbs.db"),
)
WANTED = "expected an image such as PNG or JPEG"


class NotAPicture(BadData):
    """Litter: no image format at all."""


class DamagedPicture(BadData):
    """An image that cannot be decoded, is too large, or is refused."""


def is_litter_name(name: str) -> bool:
    """Whether a file or folder of this name is passed over unopened: hidden, or left there by a system or an editor.

    Args:
        name: without the path: `Thumbs.db`, `.ipynb_checkpoints`, `._cat.jpg`.
    """
    return name.startswith((".", "~$")) or name.lower() in LITTER_NAMES


def is_picture(head: bytes, name: str) -> bool:
    """Whether a file is a picture, sound or not, rather than litter.

    Args:
        head: its first `HEAD` bytes, or all of it.
        name: its name, with or without the path.
    """
    try:
        format_of(head, name)
    except NotAPicture:
        return False
    except DamagedPicture:
        return True
    return True


def format_of(head: bytes, name: str) -> str:
    """The format of a picture as Pillow names it, by its content.

    Raises:
        NotAPicture: neither content nor name is a picture's.
        DamagedPicture: the name promises a picture and the content is none, or it is one in a format that is not read.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in FOREIGN_SUFFIXES:
        raise DamagedPicture(f"{name}: {WANTED}, found `{suffix}`, which is not read. Convert it to PNG or JPEG.")
    for known, signature in SIGNATURES.items():
        if signature.match(head):
            return known
    for known, signature in FOREIGN.items():
        if signature.match(head):
            raise DamagedPicture(f"{name}: {WANTED}, found {known}, which is not read. Convert it to PNG or JPEG.")
    if suffix == ".tga" and head:
        return "TGA"  # the one format that begins with no signature: only its name says so
    kind = DamagedPicture if suffix in SUFFIXES else NotAPicture
    raise kind(f"{name}: {WANTED}, found {'something else' if head else 'an empty file'}.")
