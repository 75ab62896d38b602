"""Every line says which request or task it belongs to, as text and as JSON, and tells no query."""

import io
import json
import logging
import logging.config

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from core import logs
from core.tests import example_tasks
from core.tests.test_settings import setting


@pytest.fixture
def written():
    """What is written in a format of the settings, as a function of the format."""
    out = io.StringIO()
    handlers = []

    def begin(name: str) -> io.StringIO:
        config = logging.config.DictConfigurator(django_settings.LOGGING)
        handler = logging.StreamHandler(out)
        handler.setFormatter(config.configure_formatter({**django_settings.LOGGING["formatters"][name]}))
        handler.addFilter(logs.Context())
        logging.getLogger().addHandler(handler)
        handlers.append(handler)
        return out

    yield begin
    logs.end_request()
    for handler in handlers:
        logging.getLogger().removeHandler(handler)


logger = logging.getLogger("postflow.example")


def test_a_line_of_text_names_its_request_and_task(written) -> None:
    out = written("line")
    logs.begin_request("abcdefgh")
    with logs.task("t-1"):
        logger.warning("Something %s", "odd")
    logs.end_request()
    logger.warning("Something else")
    first, second = out.getvalue().splitlines()
    assert first.endswith(" WARNING postflow.example [request abcdefgh] [task t-1]: Something odd")
    assert second.endswith(" WARNING postflow.example: Something else")


def test_a_line_of_json_does_too(written) -> None:
    out = written("json")
    logs.begin_request("abcdefgh")
    logger.warning("Something\n%s", "odd", extra={"request": "GET /callback/?code=secret"})
    line = json.loads(out.getvalue())
    assert {name: line[name] for name in line if name != "time"} == {
        "level": "WARNING",
        "logger": "postflow.example",
        "message": "Something\nodd",
        "request_id": "abcdefgh",
    }
    assert out.getvalue().count("\n") == 1


def test_a_failure_is_one_line_of_json_with_its_traceback(written) -> None:
    out = written("json")
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("It failed")
    assert "ValueError: broken" in json.loads(out.getvalue())["exc_info"]


@pytest.mark.parametrize("name", ["line", "json"])
def test_a_page_that_is_not_there_is_named_without_its_query(written, client, name, db) -> None:
    out = written(name)
    client.get("/nowhere/?code=secret", headers={"X-Request-ID": "from-the-proxy"})
    logger.warning("Afterwards")
    assert "from-the-proxy" not in out.getvalue().splitlines()[-1]
    assert "/nowhere/" in out.getvalue()
    assert "from-the-proxy" in out.getvalue()
    assert "secret" not in out.getvalue()


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, 'break"the-line', "two words here", "new\nline-new", "ümläutümläut"]
)
def test_an_id_that_could_break_a_line_is_replaced(client, given) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": given} if given else {})
    assert response.headers["X-Request-ID"] != given
    assert len(response.headers["X-Request-ID"]) == 32


def test_the_proxys_id_is_answered(client) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": "0123-abc.d_e"})
    assert response.headers["X-Request-ID"] == "0123-abc.d_e"


@pytest.mark.django_db
def test_a_workers_lines_name_the_task(written) -> None:
    out = written("line")
    row = example_tasks.fails.enqueue(1)
    call_command("db_worker", batch=True, interval=0, startup_delay=False, reload=False)
    assert f"[task {row.id}]" in out.getvalue()
    logger.warning("Afterwards")
    assert "[task" not in out.getvalue().splitlines()[-1]


def test_json_is_a_setting() -> None:
    name = "LOGGING['handlers']['console']['formatter']"
    assert setting(name) == "line"
    assert setting(name, LOG_FORMAT="json") == "json"
