"""Names of files as text: on Linux they are bytes, and need not be UTF-8."""

import os


def printable(path: str) -> str:
    """`path` as it can be written anywhere: bytes that are no UTF-8 as `\\xe9`. To open a file, use its path."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
