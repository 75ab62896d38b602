"""A site without a page, for tests of what every answer carries."""

urlpatterns: list[object] = []
