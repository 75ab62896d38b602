"""Pixelfed posts and engagement in the admin: to look at, not to change; the server is the source."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin

from analytics_core.admin import ReadOnlyAdmin

from .models import PixelfedComment, PixelfedEngagementSummary, PixelfedLike, PixelfedPost, PixelfedShare


@admin.register(PixelfedPost)
class PixelfedPostAdmin(ReadOnlyAdmin):
    """Posts with what the server counts."""

    list_display = (
        "pixelfed_post_id", "username", "media_type", "posted_at", "likes_server_count",
        "comments_server_count", "shares_server_count", "missing_since_at", "last_changed_at",
        "picture_problem",
    )  # fmt: skip
    list_filter = (
        "media_type",
        "visibility",
        "missing_since_at",
        ("picture_problem", admin.EmptyFieldListFilter),
    )
    search_fields = ("pixelfed_post_id", "username", "caption")
    date_hierarchy = "posted_at"
    list_select_related = ("account",)

    @admin.display(description="last changed at", ordering="last_fetched_at")
    def last_changed_at(self, post: PixelfedPost) -> datetime:
        """Return when a listing last said something new of the post."""
        return post.last_fetched_at


class EngagementAdmin(ReadOnlyAdmin):
    """One row per person and post."""

    search_fields = ("username", "display_name", "post__pixelfed_post_id")
    list_filter = ("precision", "ended_at")
    list_select_related = ("post",)


@admin.register(PixelfedLike)
class PixelfedLikeAdmin(EngagementAdmin):
    """Likes."""

    list_display = ("username", "post", "liked_at", "precision", "ended_at")


@admin.register(PixelfedShare)
class PixelfedShareAdmin(EngagementAdmin):
    """Shares."""

    list_display = ("username", "post", "shared_at", "precision", "ended_at")


@admin.register(PixelfedComment)
class PixelfedCommentAdmin(EngagementAdmin):
    """Comments."""

    list_display = ("username", "post", "commented_at", "content", "ended_at")


@admin.register(PixelfedEngagementSummary)
class PixelfedEngagementSummaryAdmin(ReadOnlyAdmin):
    """Cached counts."""

    list_display = (
        "post",
        "total_likes",
        "total_comments",
        "total_shares",
        "total_engagement",
        "last_updated",
    )
    list_select_related = ("post",)
