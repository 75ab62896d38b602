"""Django's view of the project itself."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The project: settings, the way out, the task backend."""

    name = "core"

    def ready(self) -> None:
        """Register the system checks and connect the tasks' retries."""
        from django.conf import settings
        from django.core.signals import request_finished
        from django.tasks.signals import task_finished

        from core import checks, logs, reporting  # noqa: F401  # they register themselves
        from core.task_backend import queue_retry

        task_finished.connect(queue_retry, dispatch_uid="core.queue_retry")
        request_finished.connect(logs.end_request, dispatch_uid="core.end_request")
        if settings.SENTRY_DSN:
            reporting.start()
