"""The totals by day and person, counted from the rows by statements of their own."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from analytics_core import platforms
from analytics_core.models import KINDS, EngagementDay, Ledger, Person, PersonSpan, PersonTotal
from pixelfed.models import MastodonAccount
from tests.load.size import PEOPLE_OF_A_HOST, PERSON_IDS, display_name, handle, person_key
from tests.load.sql import insert, literal, run


def months(started_at: datetime, now: datetime) -> list[date]:
    """The first day of each month from one moment to another, with what a time zone may add."""
    month, found = (started_at - timedelta(days=1)).date().replace(day=1), []
    while month <= (now + timedelta(days=1)).date():
        found.append(month)
        month = (month + timedelta(days=31)).replace(day=1)
    return found


def add_spans(month: date) -> None:
    """Count what each person did on each day of a month, and in all of it; days are the owner's."""
    following = (month + timedelta(days=31)).replace(day=1)
    parts = " UNION ALL ".join(
        f"SELECT p.ledger_id, e.account_id, (e.{model.HAPPENED_AT} AT TIME ZONE p.zone)::date AS day, "
        f"{', '.join(f'{1 if k == kind else 0} AS {k}' for k in KINDS)} "
        f"FROM {model._meta.db_table} e JOIN load_post p ON p.id = e.post_id "
        f"WHERE e.ended_at IS NULL AND e.precision <> 'unknown' "
        f"AND e.{model.HAPPENED_AT} >= {literal(month)}::timestamptz - interval '1 day' "
        f"AND e.{model.HAPPENED_AT} < {literal(following)}::timestamptz + interval '1 day'"
        for kind, model in platforms.get("pixelfed").engagement_models.items()
    )
    sums = {kind: f"sum({kind})" for kind in KINDS}
    run("DROP TABLE IF EXISTS load_span")
    run(
        "CREATE UNLOGGED TABLE load_span AS "
        f"SELECT ledger_id, {person_key('account_id')} AS person_id, day, "
        f"{', '.join(f'{value} AS {kind}' for kind, value in sums.items())} FROM ({parts}) rows "
        f"WHERE day >= {literal(month)} AND day < {literal(following)} GROUP BY 1, 2, 3 ORDER BY day"
    )
    key = {"ledger_id": "ledger_id", "person_id": "person_id"}
    days = {kind: kind for kind in KINDS}
    insert(PersonSpan, key | days | {"span": "'d'", "starts_on": "day"}, "load_span")
    insert(
        EngagementDay, {"ledger_id": "ledger_id", "day": "day", **sums}, "load_span GROUP BY ledger_id, day"
    )
    all_of_it = {"span": "'m'", "starts_on": literal(month)}
    insert(PersonSpan, key | sums | all_of_it, "load_span GROUP BY ledger_id, person_id")
    run("DROP TABLE load_span")


def add_people() -> None:
    """Count all that people ever did, and what of it has no day; name everybody."""
    ledgers = Ledger._meta.db_table
    parts = [
        f"SELECT ledger_id, person_id, {', '.join(KINDS)}, 0 AS undated, starts_on AS day "
        f"FROM {PersonSpan._meta.db_table} WHERE span = 'd'"
    ]
    for kind, model in platforms.get("pixelfed").engagement_models.items():
        undated = f"{model._meta.db_table} e JOIN load_post p ON p.id = e.post_id"
        only = "WHERE e.ended_at IS NULL AND e.precision = 'unknown'"
        parts.append(
            f"SELECT p.ledger_id, {person_key('e.account_id')}, "
            f"{', '.join('1' if k == kind else '0' for k in KINDS)}, 1, NULL FROM {undated} {only}"
        )
        run(
            f"UPDATE {ledgers} l SET undated_{kind} = c.number FROM (SELECT p.ledger_id, count(*) AS number "
            f"FROM {undated} {only} GROUP BY 1) c WHERE c.ledger_id = l.id"
        )
    insert(
        PersonTotal,
        {
            "ledger_id": "ledger_id",
            "person_id": "person_id",
            **{kind: f"sum({kind})" for kind in KINDS},
            "undated_count": "sum(undated)",
            "met_on": "CASE WHEN sum(undated) = 0 THEN min(day) END",
        },
        f"({' UNION ALL '.join(parts)}) rows GROUP BY ledger_id, person_id",
    )
    # The photographers stand behind the fans of their host, from the last number downwards.
    number = f"(t.person_id % {PEOPLE_OF_A_HOST})"
    is_owner = f"{number} >= {PEOPLE_OF_A_HOST // 2}"
    insert(
        Person,
        {
            "id": "t.person_id",
            "platform": "'pixelfed'",
            "instance_url": "l.instance_url",
            "remote_id": f"(t.person_id + {PERSON_IDS})::text",
            "username": f"CASE WHEN {is_owner} THEN l.owner ELSE {handle(number)} END",
            "display_name": f"CASE WHEN {is_owner} THEN initcap(l.owner) ELSE {display_name(number)} END",
        },
        f"(SELECT person_id, min(ledger_id) AS ledger_id FROM {PersonTotal._meta.db_table} GROUP BY 1) t "
        f"JOIN (SELECT l.*, a.username AS owner FROM {ledgers} l JOIN {MastodonAccount._meta.db_table} a "
        "ON a.id = l.account_id) l ON l.id = t.ledger_id",
    )
