"""The entry point of ASGI servers: `core.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from core.checks import refuse_temporary_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
application = get_asgi_application()
refuse_temporary_key()
