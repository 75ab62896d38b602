"""How long pages take, measured in each process that serves them.

Under gunicorn all processes of one machine share a folder (settings.PROMETHEUS_MULTIPROC_DIR), so any of them
tells of all.
"""

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

PAGE_SECONDS = Histogram(
    "postflow_page_seconds",
    "Seconds from a request to its answer, by the name of its address.",
    ["page"],
    buckets=(0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30),
)
PAGES = Counter("postflow_pages", "Answers, by the name of their address and status.", ["page", "status"])


def note_page(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    """Note one answer. The labels are names of ours and statuses: nobody outside can make new ones."""
    match = request.resolver_match
    page = match.view_name if match is not None and match.view_name else "other"
    PAGE_SECONDS.labels(page).observe(seconds)
    PAGES.labels(page, response.status_code).inc()
