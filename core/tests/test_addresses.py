"""What a person types becomes the origin of an instance, or a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import http
from core.tests.private_addresses import PRIVATE_LITERALS, PRIVATE_NAMES


class TestInstanceAddress:
    @pytest.mark.parametrize(
        ("typed", "origin"),
        [
            ("pixelfed.social", "https://pixelfed.social"),
            ("  https://Pixelfed.Social/ \n", "https://pixelfed.social"),
            ("HTTPS://PIXELFED.SOCIAL", "https://pixelfed.social"),
            ("pixelfed.social.", "https://pixelfed.social"),
            ("https://pixelfed.social:443/", "https://pixelfed.social"),
            ("pixelfed.social:8443", "https://pixelfed.social:8443"),
            ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
            ("\u4f8b\u3048.\u30c6\u30b9\u30c8", "https://xn--r8jz45g.xn--zckzah"),
            ("stra\u00dfe.example", "https://xn--strae-oqa.example"),
            ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("93.184.215.14", "https://93.184.215.14"),
            ("[2606:2800:0:0::1]", "https://[2606:2800::1]"),
            ("a.b.c.pixey.org", "https://a.b.c.pixey.org"),
            ("4.me", "https://4.me"),
        ],
    )
    def test_what_a_person_types_becomes_an_origin(self, public_only: None, typed: str, origin: str) -> None:
        assert http.normalize_instance_url(typed) == origin
        assert http.normalize_instance_url(origin) == origin

    @pytest.mark.parametrize("typed", [*PRIVATE_LITERALS, *PRIVATE_NAMES])
    @pytest.mark.parametrize("form", ["{}", "https://{}/", "{}:8080"])
    def test_private_addresses_are_refused(self, public_only: None, typed: str, form: str) -> None:
        with pytest.raises(http.InstanceAddressError):
            http.normalize_instance_url(form.format(typed))

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "   ",
            "https://",
            "https:///",
            ".",
            "http://pixelfed.social",
            "ftp://pixelfed.social",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "javascript://pixelfed.social/%0aalert(1)",
            "data:text/html,x",
            "//pixelfed.social",
            "@anna@pixelfed.social",
            "anna@pixelfed.social",
            "https://anna:secret@pixelfed.social",
            "https://pixelfed.social/anna",
            "https://pixelfed.social//",
            "https://pixelfed.social/?",
            "https://pixelfed.social?a=b",
            "https://pixelfed.social#a",
            "https://pixelfed.social\\@127.0.0.1",
            "https://pixelfed.social:",
            "https://pixelfed.social:0",
            "https://pixelfed.social:65536",
            "https://pixelfed.social:-1",
            "https://pixelfed.social:8o",
            "https://pixelfed.social:\uff18\uff10",
            "https://pixel fed.social",
            "https://pixel\tfed.social",
            "https://pixel\nfed.social",
            "https://pixelfed.social\x00",
            "https://pixelfed.social%2f@127.0.0.1",
            "https://pixelfed..social",
            "https://-pixelfed.social",
            "https://pixelfed_.social",
            "https://*.social",
            f"https://{'a' * 64}.social",
            f"https://{'a.' * 130}social",
            "https://[pixelfed.social]",
            "https://[::1",
            "https://\u2025.social",
            "<script>alert(1)</script>",
            "my pixelfed",
        ],
    )
    def test_anything_else_is_answered_with_a_sentence(self, public_only: None, typed: str) -> None:
        with pytest.raises(http.InstanceAddressError, match=r"^[A-Z][^{}]+\.$"):
            http.normalize_instance_url(typed)

    @pytest.mark.parametrize(
        ("typed", "origin"),
        [
            ("http://127.0.0.1:8900", "http://127.0.0.1:8900"),
            ("http://127.0.0.1:80/", "http://127.0.0.1"),
            ("http://localhost:8900", "http://localhost:8900"),
            ("http://sandbox:8900", "http://sandbox:8900"),
            ("http://[::1]:8900/", "http://[::1]:8900"),
            ("https://nas.local", "https://nas.local"),
        ],
    )
    def test_private_addresses_pass_where_they_are_allowed(
        self, private_allowed: None, typed: str, origin: str
    ) -> None:
        assert http.normalize_instance_url(typed) == origin

    @given(st.text(max_size=40))
    def test_any_text_gives_an_origin_or_a_sentence(self, typed: str) -> None:
        try:
            origin = http.normalize_instance_url(typed)
        except http.InstanceAddressError:
            return
        assert origin.isascii()
        assert http.normalize_instance_url(origin) == origin
