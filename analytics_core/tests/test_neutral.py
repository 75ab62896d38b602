"""What holds for the files of this app, whatever platforms there are."""

import ast
from pathlib import Path

from analytics_core import platforms
from analytics_core.templatetags import analytics
from tests.tiny.models import TinyPost

APP = Path(analytics.__file__).parents[1]


def test_the_style_sheet_knows_every_shape_a_photo_can_have() -> None:
    css = (APP / "static/analytics_core/photos.css").read_text()
    for width in range(10, 6000, 7):
        post = TinyPost(media_width=width, media_height=1000)
        assert f'[data-ratio="{analytics.ratio(post)}"]' in css


def code(path: Path) -> str:
    """What a file does: Python without comments and docstrings, which may explain a quirk of some server."""
    if path.suffix != ".py":
        return path.read_text()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


def test_this_app_names_no_platform() -> None:
    names = {platform.name for platform in platforms.all_platforms()}
    for path in APP.rglob("*"):
        if path.suffix in {".py", ".html", ".css", ".js"} and "tests" not in path.parts:
            assert not [name for name in names if name in code(path).lower()], path
