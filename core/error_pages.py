"""What a report of a fault may show: the page that developers see with DEBUG, and mails to ADMINS.

Django hides what is marked as sensitive without DEBUG only, and never what stands in the address.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from django.utils.html import escape
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

SECRET_NAMES = re.compile(r"code|state|token|password|secret|sessionid", re.IGNORECASE)
# Shorter ones are no secrets; replacing them would make the report unreadable.
SHORTEST = 8


class Filter(SafeExceptionReporterFilter):
    """Hides what `sensitive_variables` and `sensitive_post_parameters` name, with DEBUG too."""

    def is_active(self, request: Any) -> bool:
        """Return True: Django itself hides nothing while DEBUG is on."""
        return True


class Reporter(ExceptionReporter):
    """Leaves secrets that came with the request out of the whole report, wherever they turn up."""

    def get_traceback_html(self) -> SafeString:
        """Return the page."""
        return self._without_secrets(super().get_traceback_html())

    def get_traceback_text(self) -> SafeString:
        """Return the text."""
        return self._without_secrets(super().get_traceback_text())

    def _without_secrets(self, text: SafeString) -> SafeString:
        found = str(text)
        for secret in self._secrets():
            for form in {secret, escape(secret), quote(secret), quote(secret, safe=""), quote_plus(secret)}:
                found = found.replace(form, self.filter.cleansed_substitute)
        # As safe as it came: only stars were put in.
        return SafeString(found)

    def _secrets(self) -> Iterator[str]:
        if self.request is None:
            return
        for values in (self.request.GET, self.request.POST, self.request.COOKIES):
            for name in values:
                found = values.getlist(name) if hasattr(values, "getlist") else [values[name]]
                if SECRET_NAMES.search(name):
                    yield from (value for value in found if len(value) >= SHORTEST)
