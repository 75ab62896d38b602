"""A folder for our files, and a web that holds what a test puts there."""

from pathlib import Path

import pytest
import responses


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def web():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock
