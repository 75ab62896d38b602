"""One visit to an account; where time stands still, it does at noon."""

from datetime import UTC, datetime, timedelta
from typing import Any

from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def visit_of(account: MastodonAccount) -> dict[str, Any]:
    """Make a visit as a worker does, which knows the account's number alone; return what it brought."""
    return PixelfedAnalyticsFetcher(MastodonAccount.objects.get(pk=account.pk)).run()
