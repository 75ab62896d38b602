"""`manage.py sync_all_accounts`: read every account to its end, and say what came of it (US-13.1)."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from analytics_core.console import ConsoleProgress, duration, quiet_log
from analytics_core.engine import catch_up
from analytics_core.engine.catch_up import CatchUp, Job, Result
from analytics_core.engine.visit import OnProgress
from core import stopping

MARKS = {Result.DONE: "✓", Result.FAILED: "⚠", Result.WAITING: "…", Result.LEFT_OUT: "-"}


class Command(BaseCommand):
    """Reads all accounts of all platforms, with or without workers beside it.

    Ends with exit code 1 if anything failed or is left to do.
    """

    help = (
        "Read every connected account to its end: all posts, and everybody who liked, commented or shared. "
        "Ctrl-C stops at the next safe point; started again, it goes on from there."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add --estimate and --json."""
        parser.add_argument(
            "--estimate", action="store_true", help="say what is to do and how long it takes; ask nobody"
        )
        parser.add_argument(
            "--json", action="store_true", help="print the report as JSON; all else goes to the error output"
        )

    def handle(self, **options: Any) -> None:
        """Estimate, read, report."""
        self._talk: OutputWrapper = self.stderr if options["json"] else self.stdout
        if options["json"]:
            self.stderr.style_func = None
        self._bar: ConsoleProgress | None = None
        with stopping.asked_by_signals(), quiet_log():
            run = CatchUp(catch_up.jobs(), say=self._say, progress=self._progress)
            self._run = run
            self._introduce(options)
            if options["estimate"]:
                return
            run.survey()
            if run.waiting and not stopping.is_asked():
                self._estimate()
            run.run()
            is_stopped = stopping.is_asked()
        self._report(options, is_stopped=is_stopped)

    def _introduce(self, options: dict[str, Any]) -> None:
        counts = {result: self._count(result) for result in Result}
        self._talk.write(
            f"{_accounts(len(self._run.jobs))}: {counts[Result.DONE]} up to date, "
            f"{counts[Result.LEFT_OUT]} left out, {counts[Result.WAITING]} to read."
        )
        if options["estimate"]:
            self._estimate()
        elif self._run.waiting:
            self._talk.write("Ctrl-C stops at the next safe point; started again, it goes on from there.")

    def _estimate(self) -> None:
        """Say what is to be asked of whom, and how long that takes."""
        by_host, unknown_count = self._run.requests_left()
        each = self._run.seconds_per_request
        for host, count in by_host.most_common():
            self._talk.write(f"  {host}: {count:,} requests, {duration(count * each)}")
        if by_host:
            alone, longest = by_host.total() * each, by_host.most_common(1)[0][1] * each
            self._talk.write(
                f"About {by_host.total():,} requests: {duration(alone)} if this command reads alone, host "
                f"after host; {duration(longest)} at least, however many read. A host is asked once in "
                f"{settings.FETCH_REQUEST_INTERVAL:g} seconds at most; long lists take more than one request."
            )
        if unknown_count:
            self._talk.write(f"{_accounts(unknown_count)} of unknown size, not in this estimate.")

    def _progress(self, job: Job) -> OnProgress:
        # The wrapper ends every line, and a bar has none.
        self._bar = ConsoleProgress(self._talk, str(job.account))
        return self._bar

    def _say(self, job: Job) -> None:
        if self._bar is not None:
            self._bar.close()
        if job.result != Result.WAITING:
            self._talk.write(_line(job))
        elif stopping.is_asked():
            return
        elif job.reason:
            self._talk.write(f"{MARKS[job.result]} {job.account}: {job.reason}")
        requests_count = self._run.requests_left()[0].total()
        if requests_count:
            left = duration(requests_count * self._run.seconds_per_request)
            done_count = len(self._run.jobs) - len(self._run.waiting)
            self._talk.write(f"{done_count} of {_accounts(len(self._run.jobs))}; {left} left")

    def _report(self, options: dict[str, Any], *, is_stopped: bool) -> None:
        if options["json"]:
            report = {"stopped": is_stopped, "accounts": [_facts(job) for job in self._run.jobs]}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self.stdout.write("\nReport")
            for job in self._run.jobs:
                self.stdout.write(_line(job))
        done, failed, left = (self._count(r) for r in (Result.DONE, Result.FAILED, Result.WAITING))
        text = f"{_accounts(done)} up to date, {failed} failed, {left} still to do."
        if left:
            raise CommandError(f"Stopped. {text} Start the command again to go on.")
        if failed:
            raise CommandError(f"{text} The hourly work tries them again.")
        self._talk.write(text)

    def _count(self, result: Result) -> int:
        return sum(job.result == result for job in self._run.jobs)


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count:,} accounts"


def _line(job: Job) -> str:
    """Say in one line how an account came out."""
    text = f"{MARKS[job.result]} {job.platform.label} {job.account}: "
    if job.result in (Result.FAILED, Result.LEFT_OUT):
        return f"{text}{job.result}, {job.reason}"
    if job.result == Result.WAITING:
        return f"{text}{job.result}, about {job.rest.requests_count:,} requests"
    counts = job.counts
    if not counts["requests"]:
        return f"{text}was up to date"
    return (
        f"{text}{counts['posts_created']:,} new posts, {counts['total_new_likes']:,} new likes, "
        f"{counts['total_new_comments']:,} new comments, {counts['total_new_shares']:,} new shares"
    )


def _facts(job: Job) -> dict[str, Any]:
    return {
        "platform": job.platform.name,
        "account_id": job.account.pk,
        "account": str(job.account),
        "result": job.result.value,
        "reason": job.reason,
        "requests_left": job.rest.requests_count,
        **{name: job.counts[name] for name in catch_up.COUNTED},
    }
