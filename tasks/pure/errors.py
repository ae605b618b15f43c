"""The errors of the pure code. Each message says what was expected, what was found, and how to mend it.

PureError
├── BadData           the data cannot be trained on (shapes, labels, NaN, too few examples)
├── Diverged          a training ended in numbers that are not finite
├── BadBase           a network from outside that cannot be taken in as a base
├── SurgeryError      a cut, freeze or unfreeze that the network does not admit
└── ContractBroken    a step did not do what it promises (a frozen weight moved, …)
"""


class PureError(ValueError):
    """Base of what pure code raises on purpose."""


class BadData(PureError):
    """The data cannot be trained on."""


DIVERGED = "The training diverged"
"""How the message of `Diverged` begins, by which a run's record tells of one."""


class Diverged(PureError):
    """A training ended in numbers that are not finite."""


class BadBase(PureError):
    """A network from outside cannot be taken in; the message says why and what to do."""


class SurgeryError(PureError):
    """The network has no such layer, or not that many."""


class ContractBroken(PureError):
    """A step broke its own promise; the message names the layers."""
