"""How long a server asks to be left alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import http

NOW = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({}, None),
            ({"Retry-After": "120"}, 120),
            ({"retry-after": " 7 "}, 7),
            ({"Retry-After": "1.5"}, 1.5),
            ({"Retry-After": "0"}, 1),
            ({"Retry-After": "-20"}, 1),
            ({"Retry-After": "86400"}, 3600),
            ({"Retry-After": "9" * 400}, 3600),
            ({"Retry-After": "Mon, 05 Oct 2026 12:31:00 GMT"}, 60),
            ({"Retry-After": "Mon, 05 Oct 2026 12:31:00 -0000"}, 60),
            ({"Retry-After": "Mon, 05 Oct 2026 11:00:00 GMT"}, 1),
            ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600),
            ({"Retry-After": "soon"}, None),
            ({"Retry-After": "nan"}, None),
            ({"Retry-After": "inf"}, None),
            ({"Retry-After": "\u0661\u0662"}, None),
            ({"Retry-After": ""}, None),
            ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 90)}, 90),
            ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 90)}, 1),
            ({"X-RateLimit-Reset": "2026-10-05T12:35:00.123456Z"}, 300.123456),
            ({"X-RateLimit-Reset": "2026-10-05T12:35:00"}, 300),
            ({"X-RateLimit-Reset": "2026-10-05T14:35:00+02:00"}, 300),
            ({"X-RateLimit-Reset": "2026-10-05T12:00:00Z"}, 1),
            ({"X-RateLimit-Reset": "99999999999999"}, 3600),
            ({"X-RateLimit-Reset": "later"}, None),
            ({"Retry-After": "soon", "X-RateLimit-Reset": "2026-10-05T12:35:00Z"}, 300),
            ({"Retry-After": "30", "X-RateLimit-Reset": "2026-10-05T12:35:00Z"}, 30),
        ],
    )
    def test_seconds_dates_and_epochs_are_understood(
        self, headers: dict[str, str], seconds: float | None
    ) -> None:
        assert http.retry_after_seconds(headers, now=NOW) == pytest.approx(seconds)

    @given(st.text(), st.text())
    def test_no_header_breaks_it(self, retry_after: str, reset: str) -> None:
        headers = {"Retry-After": retry_after, "X-RateLimit-Reset": reset}
        seconds = http.retry_after_seconds(headers, now=NOW)
        assert seconds is None or 1 <= seconds <= 3600
