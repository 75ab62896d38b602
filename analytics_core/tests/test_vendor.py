"""Code of others that we serve ourselves: what it is, and that it is whole."""

import hashlib
import re
from pathlib import Path

from django.contrib.staticfiles import finders

# chart.js 4.6.1, dist/chart.umd.min.js without the line that names its source map.
CHART_JS = "postflow/vendor/chart.umd.min.js"
VERSION, SHA256 = "4.6.1", "c17f2ce49fb9c71ef7fb39c03f868804ac5ab34730149976eebe6b7f807bef0c"


def content(name: str) -> bytes:
    return Path(finders.find(name)).read_bytes()


def test_chart_js_is_the_version_that_we_say_and_nobody_changed_it() -> None:
    script = content(CHART_JS)
    assert re.search(rb"Chart\.js v([\d.]+)", script).group(1).decode() == VERSION
    assert hashlib.sha256(script).hexdigest() == SHA256


def test_its_licence_lies_beside_it() -> None:
    assert content("postflow/vendor/chart-LICENSE.txt").startswith(b"The MIT License (MIT)")


def test_it_names_no_source_map_which_the_storage_of_static_files_would_miss() -> None:
    assert b"sourceMappingURL" not in content(CHART_JS)
