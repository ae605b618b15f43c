"""The errors that graft raises on purpose, drawn as a tree.

    GraftError                 whatever a person can mend; printed as one paragraph, exit code 1
    ├── UsageError             the command or the recipe is wrong; exit code 2
    │   └── RecipeError        an unknown key, a wrong type, a value out of range, an impossible combination
    ├── DataError              a data set is missing or is not what it should be
    ├── StoreError             something in the store is missing or damaged
    │   ├── ArtifactMissing
    │   ├── ArtifactDamaged
    │   └── RecordDamaged
    ├── RunFirst               a step that should be there already is not: "run X first"
    ├── ChampionChanged        somebody else became champion meanwhile
    ├── DeviceError            TensorFlow sees another device than the one the key was made for
    └── ServerError            no Prefect server could be reached or started

Pure code (`tasks/pure`) may import none of this; its own errors are in `tasks/pure/errors.py`
and are shown to people in the same way.
"""


class GraftError(Exception):
    """Base of all errors that a person can mend. The message says what was expected, what was found, how to mend it."""


class UsageError(GraftError):
    """The command line or the recipe is wrong (exit code 2)."""


class RecipeError(UsageError):
    """A recipe cannot be run: the message names the key's path and the nearest valid name."""


class DataError(GraftError):
    """A data set could not be found or fetched."""


class StoreError(GraftError):
    """Something in the store is missing or damaged."""


class ArtifactMissing(StoreError):
    """No artifact of that kind and digest is in the store."""


class ArtifactDamaged(StoreError):
    """An artifact's bytes are not those that its manifest, or the execution that made it, speaks of."""


class RecordDamaged(StoreError):
    """A manifest, execution or run record does not match its own checksum."""


class RunFirst(GraftError):
    """A step that must be in the store already (`--from`, `--only`) is not."""


class ChampionChanged(GraftError):
    """The champion is another one than the caller compared with."""


class DeviceError(GraftError):
    """TensorFlow sees another device, or another number of threads, than the key was made for."""


class ServerError(GraftError):
    """No Prefect server could be reached or started."""
