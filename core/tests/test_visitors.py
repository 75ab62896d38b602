"""Where a request comes from: the word of proxies that are there, and of nobody else."""

import pytest

from core import visitors

FORGED = "6.6.6.6"


@pytest.mark.parametrize(
    ("proxies", "near", "header", "address"),
    [
        (0, "203.0.113.9", None, "203.0.113.9"),
        (0, "203.0.113.9", FORGED, "203.0.113.9"),
        (1, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1", f"{FORGED}, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1", f"{FORGED}, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        # Past the proxy, or through one that says nothing or nonsense.
        (1, "10.0.0.1", None, "10.0.0.1"),
        (2, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1", "unknown", "10.0.0.1"),
        (1, "", "203.0.113.9", "203.0.113.9"),
        (0, "", None, None),
        (0, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::"),
        (0, "2001:db8:1:2:ffff::", None, "2001:db8:1:2::"),
        (0, "::ffff:203.0.113.9", None, "203.0.113.9"),
    ],
)
def test_the_address_is_the_one_that_the_outermost_proxy_saw(
    rf, settings, proxies, near, header, address
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if header is None else {"X-Forwarded-For": header}
    assert visitors.address(rf.get("/", REMOTE_ADDR=near, headers=headers)) == address
