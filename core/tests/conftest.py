"""Whether private addresses are allowed, as fixtures."""

from typing import Any

import pytest


@pytest.fixture
def public_only(settings: Any) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = False


@pytest.fixture
def private_allowed(settings: Any) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = True
