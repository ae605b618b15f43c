"""What is known of a picture in a file before it is decoded."""

from typing import NamedTuple

from tasks.pure.data.headers import Header


class Listed(NamedTuple):
    """One picture: SHA-256 (hex) of its file, part ("" undivided), class, group ("" none), header, path."""

    sha256: str
    part: str
    name: str
    group: str
    header: Header
    path: str
