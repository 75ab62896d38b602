"""The only reader of posts and engagement for pages. Everything starts from the signed-in user's accounts."""

from .accounts import ConnectedAccount, connected_accounts, own_posts
from .audience import People, Person, people
from .days import Days, days_of, followers_of
from .grid import ORDERS, Key, Totals, Wanted, best_keys, latest_posted_at, page_of_keys, posts_by_key, totals
from .post import people_page, post_counts, threads_page

__all__ = [
    "ORDERS",
    "ConnectedAccount",
    "Days",
    "Key",
    "People",
    "Person",
    "Totals",
    "Wanted",
    "best_keys",
    "connected_accounts",
    "days_of",
    "followers_of",
    "latest_posted_at",
    "own_posts",
    "page_of_keys",
    "people",
    "people_page",
    "post_counts",
    "posts_by_key",
    "threads_page",
    "totals",
]
