"""Sweeps: written down and kept as studies are, in `sweeps/<id>/`."""

from artifacts.studies import Studies


class Sweeps(Studies):
    """The sweeps of a store.

    A record's plan holds `recipe`, `title`, `set`, `grid`, `rounds`, `seeds`, `halving`, `resolved`, `threads`.
    """

    ROOM, KIND = "sweeps", "sweep"
