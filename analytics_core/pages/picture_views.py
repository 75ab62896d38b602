"""Serves our small pictures: to the account's owner alone, since posts for followers only have one too."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from analytics_core import platforms, selectors
from analytics_core.pages import pictures

# The address changes with the picture, so what stands at one never does.
YEAR_SECONDS = 365 * 24 * 3600


@require_safe
@login_required
def picture(request: HttpRequest, platform_name: str, post_id: int) -> HttpResponse:
    """Return the picture of one of the signed-in user's posts, or the way to it in an outside store."""
    try:
        platform = platforms.get(platform_name)
    except KeyError:
        raise Http404 from None
    own = selectors.own_posts(request.user, platform=platform).exclude(picture="")
    name: str = get_object_or_404(own.values_list("picture", flat=True), pk=post_id)
    return serve(request, name)


def serve(request: HttpRequest, name: str) -> HttpResponse:
    """Return a stored picture to a request that may see it, or the way to it in an outside store."""
    is_current = request.GET.get("v") == pictures.version(name)
    if not _is_on_this_machine(name):
        redirect = HttpResponseRedirect(default_storage.url(name))
        # The browser may take the signed address again for as long as it surely holds.
        patch_cache_control(
            redirect, private=True, max_age=settings.SIGNED_URL_SECONDS // 2 if is_current else 0
        )
        return redirect
    etag = f'"{pictures.version(name)}"'
    response: HttpResponse | None = get_conditional_response(request, etag=etag, response=None)
    if response is None:
        response = _file(name)
    response.headers["ETag"] = etag
    if is_current:
        patch_cache_control(response, private=True, max_age=YEAR_SECONDS, immutable=True)
    else:
        patch_cache_control(response, private=True, no_cache=True)
    return response


def _is_on_this_machine(name: str) -> bool:
    try:
        default_storage.path(name)
    except NotImplementedError:
        return False
    return True


def _file(name: str) -> HttpResponse:
    try:
        with default_storage.open(name) as file:
            return HttpResponse(file.read(), content_type="image/webp")
    except FileNotFoundError:
        # Replaced a moment ago, or lost: its page shows the words for it.
        raise Http404 from None
