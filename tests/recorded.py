"""What a real Pixelfed was recorded to answer: `tests/recordings`, by number."""

import json
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parent / "recordings" / "pixelfed-0.11.13"


def recording(number: int) -> dict[str, Any]:
    """Return one exchange: its request and its response, as INDEX.md there says."""
    (file,) = RECORDINGS.glob(f"{number:03d}-*.json")
    return json.loads(file.read_text())


def answered(number: int) -> dict[str, Any]:
    """Return its response alone: status, headers and body."""
    return dict(recording(number)["response"])
