"""The entry point of WSGI servers: `core.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

from core.checks import refuse_temporary_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
application = get_wsgi_application()
refuse_temporary_key()
