"""The large installation is a true one: at its smallest size its totals agree with its rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Count, F, Q
from django.utils import timezone

from analytics_core.models import KINDS, EngagementDay, Ledger, Person, PersonTotal
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from postflow.models import CustomUser
from tests.load.fill import Size, email, fill

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the fill speaks PostgreSQL"),
]
SMALLEST = Size(users=2, months=3, hosts=2)


@pytest.fixture
def _filled(db: None) -> None:
    fill(SMALLEST)


@pytest.mark.usefixtures("_filled")
def test_the_daily_totals_agree_with_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rebuild_daily_totals", "--check")

    assert "Pixelfed: 2 accounts compared." in capsys.readouterr().out
    assert EngagementDay.objects.exists()
    assert PersonTotal.objects.exclude(met_on=None).exists()
    assert PersonTotal.objects.exclude(undated_count=0).exists()
    assert set(Ledger.objects.values_list("time_zone", flat=True)) == {"UTC", "Europe/Berlin"}
    assert not Person.objects.filter(totals=None).exists()
