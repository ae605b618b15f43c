"""Keras for the tests that need it, started as graft's steps start it."""

import pytest

from tasks.device import prepare
from tasks.pure import session


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """TensorFlow on the device and threads of the steps: pinned later, they would fail the flows' tests."""
    prepare()


@pytest.fixture
def fresh_keras(tensorflow: None) -> None:
    """Keras as at the beginning of a step with seed 0."""
    session.fresh(0)
