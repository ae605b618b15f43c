"""How far the reading of new pictures is, before there is a run that could say so: a plan has to know their content."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tasks import progress

BETWEEN_SECONDS = 0.2
CLEAR = "\r\x1b[K"


@contextmanager
def counted() -> Iterator[None]:
    """A line on standard error while files are read inside the block, where somebody watches; then it is gone."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    shown = 0.0

    def show(news: progress.News) -> None:
        nonlocal shown
        if isinstance(news, progress.Counting) and time.monotonic() - shown >= BETWEEN_SECONDS:
            shown = time.monotonic()
            print(f"{CLEAR}{told(news)}", end="", file=sys.stderr, flush=True)

    try:
        with progress.listening(show):
            yield
    finally:
        if shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)


def told(news: progress.Counting) -> str:
    """`1,200 of 50,000 files read · 830 a second`."""
    rate = f" · {news.rate():,.0f} a second" if news.rate() >= 1 else ""
    return f"{news.done:,} of {news.total:,} files {news.doing}{rate}"
