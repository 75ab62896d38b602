"""What processes note for the operator: that a worker lives, and how other servers answered it."""

from django.db import models


class WorkerBeat(models.Model):
    """One worker process, and when it was last known to live. It takes its row with it when it ends."""

    worker_id = models.CharField(max_length=64, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.worker_id} at {self.seen_at:%Y-%m-%d %H:%M:%S}"


class HostRequests(models.Model):
    """How many requests of all workers to one host ended in one way (`core.traffic`)."""

    host = models.CharField(max_length=255)
    result = models.CharField(max_length=12)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "host requests"
        constraints = [
            models.UniqueConstraint(fields=["host", "result"], name="core_hostrequests_once"),
        ]

    def __str__(self) -> str:
        return f"{self.host}: {self.result} {self.count}"
