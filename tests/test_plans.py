"""What pages ask most is answered by indexes alone. PostgreSQL says so of large tables: `make bench-load`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics_core import periods, platforms, selectors
from analytics_core.models import AccountState
from analytics_core.tests.builders import build_post, counted_once, read
from pixelfed.models import MastodonAccount

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of a small table it reads all"),
]


@pytest.fixture
def chosen(user) -> list[selectors.ConnectedAccount]:
    """An account of some posts."""
    account = MastodonAccount.objects.create(
        user=user, instance_url="https://one.example", username="ana", access_token="t", software="pixelfed"
    )
    read("pixelfed", account)
    with counted_once():
        for age in range(60):
            build_post("pixelfed", account, age=age * 6, likes=3)
    state = AccountState.objects.get()
    return [selectors.ConnectedAccount(platform=platforms.get("pixelfed"), account=account, state=state)]


def plans(ask) -> Iterator[str]:
    """The plan of each statement that something asks, as text."""
    with CaptureQueriesContext(connection) as statements:
        ask()
    with connection.cursor() as cursor:
        for statement in [*statements]:
            cursor.execute("EXPLAIN QUERY PLAN " + statement["sql"])
            yield "\n".join(str(row[-1]) for row in cursor.fetchall())


def is_covered(plan: str, index: str) -> bool:
    return f"COVERING INDEX {index}" in plan


@pytest.mark.parametrize("days", ["7", "90", "365"])
def test_who_engaged_is_told_by_one_index(chosen, days) -> None:
    period = periods.period(days)

    first, *_ = plans(lambda: selectors.people(chosen, connected=chosen, period=period))

    assert is_covered(first, "analytics_core_person_sums"), first


@pytest.mark.parametrize("days", ["90", "all"])
def test_the_sums_over_posts_are_told_by_one_index(chosen, days) -> None:
    wanted = selectors.Wanted(period=periods.period(days))

    (plan,) = plans(lambda: selectors.totals(chosen, wanted=wanted))

    assert is_covered(plan, "analytics_p_account_88b415_idx"), plan


def test_ones_own_accounts_are_found_without_a_look_at_all_others(chosen, user) -> None:
    plan, *_ = plans(lambda: selectors.connected_accounts(user, platforms=[platforms.get("pixelfed")]))

    assert "pixelfed_mastodonaccount USING INDEX" in plan, plan
    assert "SCAN" not in plan, plan


def test_a_visit_in_which_nothing_happened_reads_no_posts_but_those_listed(tiny, tiny_account) -> None:
    for number in range(100, 160):
        tiny.instance.add_post(str(number), likes=1)
    fetcher = tiny.fetcher(tiny_account)
    fetcher.run()

    for_listed, *others = [plan for plan in plans(fetcher.run) if "tiny_tinypost" in plan]

    assert "(account_id=? AND tiny_id=?)" in for_listed, for_listed
    # Indexes with all that is asked for, and those of the few posts that have something to be read.
    few = ("USING COVERING INDEX", "USING INDEX tinypost_never_read", "USING INDEX tinypost_moved")
    assert [plan for plan in others if not any(index in plan for index in few)] == []
