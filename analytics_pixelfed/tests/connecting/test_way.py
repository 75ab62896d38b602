"""From the form to a stored account that is read at once, the first time and again."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_pixelfed import account_views
from analytics_pixelfed.models import PixelfedPost
from pixelfed.models import AccountQuerySet, ConnectAttempt, InstanceApp, MastodonAccount
from pixelfed.tests.browsing import answer_consent
from postflow.models import CustomUser, TryCount

from .steps import CALLBACK, LIST, begin, come_back, connect, query_of, words

pytestmark = pytest.mark.django_db


class TestTheWay:
    def test_an_approved_account_is_stored_read_at_once_and_shown(self, browser, user, server) -> None:
        response = connect(browser, server)
        assert response.redirect_chain[-1][0] == LIST
        assert "is connected. Its newest photos are being read now." in words(response)
        account = MastodonAccount.objects.get()
        assert (account.user, account.username, account.instance_url) == (user, "ana", server.url)
        assert (account.software, account.state) == ("pixelfed", "active")
        assert account.remote_id
        assert account.refresh_token
        assert account.app == InstanceApp.objects.get()
        assert timedelta(days=364) < account.token_expires_at - timezone.now() < timedelta(days=366)
        assert account.token_renew_at < account.token_expires_at
        row = DBTaskResult.objects.get()
        assert (row.task_path, row.priority) == (tasks.fetch_account.module_path, tasks.PRIORITY_NOW)
        assert row.args_kwargs["args"] == ["pixelfed", account.pk]
        call_command("db_worker", batch=True, verbosity=0)
        assert PixelfedPost.objects.filter(account=account).count() == 3
        assert "Up to date" in browser.get(LIST).content.decode()
        assert not ConnectAttempt.objects.exists()

    def test_secrets_are_encrypted_at_rest_and_attempts_kept_as_digests(self, browser, server) -> None:
        address = begin(browser, server)
        state = query_of(address)["state"]
        attempt = ConnectAttempt.objects.get()
        connected = answer_consent(server, address)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM pixelfed_connectattempt")
            stored = str(cursor.fetchall())
        assert state not in stored
        assert attempt.verifier not in stored
        assert browser.session[account_views.SESSION_KEY] not in stored
        come_back(browser, connected)
        account, app = MastodonAccount.objects.get(), InstanceApp.objects.get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT access_token, refresh_token FROM pixelfed_mastodonaccount")
            stored = str(cursor.fetchall())
            cursor.execute("SELECT client_secret FROM pixelfed_instanceapp")
            stored += str(cursor.fetchall())
        for secret in (account.access_token, account.refresh_token, app.client_secret):
            assert secret not in stored

    def test_an_instance_is_registered_once_for_everybody(self, browser, server) -> None:
        begin(browser, server)
        other = Client()
        other.force_login(CustomUser.objects.create_user("bob@example.org", "a long sentence"))
        begin(other, server)
        begin(other, server)
        assert [request.path for request in server.requests].count("/api/v1/apps") == 1
        assert InstanceApp.objects.count() == 1

    def test_a_forgotten_registration_is_made_anew(self, browser, server) -> None:
        begin(browser, server)
        old = InstanceApp.objects.get()
        server.world.apps.clear()
        server.world.secret = b"another database"
        connect(browser, server)
        new = InstanceApp.objects.get()
        assert (new.pk, new.client_secret != old.client_secret) == (old.pk, True)
        assert MastodonAccount.objects.count() == 1

    def test_a_registration_that_cannot_be_decrypted_any_more_is_made_anew(self, browser, server) -> None:
        begin(browser, server)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE pixelfed_instanceapp SET client_secret = 'gAAAAAbroken'")
        connect(browser, server)
        assert MastodonAccount.objects.count() == 1

    def test_forgotten_on_the_way_it_is_told_and_the_next_try_works(self, browser, server) -> None:
        location = answer_consent(server, begin(browser, server))
        server.world.apps.clear()
        server.world.secret = b"another database"
        assert "no longer knows PostFlow. Nothing was connected; start again." in words(
            come_back(browser, location)
        )
        connect(browser, server)
        assert MastodonAccount.objects.count() == 1

    def test_a_forwarded_https_request_registers_an_https_address(self, browser, server, settings) -> None:
        settings.HTTPS = True
        assert query_of(begin(browser, server))["redirect_uri"] == "https://testserver" + CALLBACK


class TestTheSameAccountAgain:
    def test_it_renews_its_token_and_keeps_its_number(self, browser, server) -> None:
        connect(browser, server)
        before = MastodonAccount.objects.get()
        response = connect(browser, server)
        after = MastodonAccount.objects.get()
        assert after.pk == before.pk
        assert after.access_token != before.access_token
        assert after.refresh_token != before.refresh_token
        assert after.token_stored_at > before.token_stored_at
        assert "was here already: its access is renewed" in words(response)
        assert "sign out there first" in words(response)

    def test_one_that_waited_goes_on(self, browser, server) -> None:
        connect(browser, server)
        MastodonAccount.objects.update(
            state="reconnect", state_reason="Its instance no longer lets PostFlow in."
        )
        TryCount.objects.all().delete()
        DBTaskResult.objects.all().delete()
        assert "is connected again and being read now." in words(connect(browser, server))
        account = MastodonAccount.objects.get()
        assert (account.state, account.state_reason) == ("active", "")
        assert DBTaskResult.objects.filter(priority=tasks.PRIORITY_NOW).count() == 1

    def test_one_without_an_id_is_recognised_by_its_handle(self, browser, user, server) -> None:
        old = MastodonAccount.objects.create(
            user=user, instance_url=server.url, username="Ana", access_token="t"
        )
        connect(browser, server)
        account = MastodonAccount.objects.get()
        assert (account.pk, account.username) == (old.pk, "ana")

    def test_another_account_while_one_waits_leaves_that_one_asked_for(self, browser, server) -> None:
        connect(browser, server)
        connect(browser, server, name="studio")
        MastodonAccount.objects.filter(username="ana").update(state="reconnect")
        response = connect(browser, server, name="studio")
        assert "@ana@" in words(response)
        assert "still has to be connected again" in words(response)

    def test_who_has_a_working_account_there_is_asked_to_sign_in_as_another(self, browser, server) -> None:
        assert "prompt" not in query_of(begin(browser, server))
        connect(browser, server)
        assert query_of(begin(browser, server))["prompt"] == "login"
        MastodonAccount.objects.update(state="reconnect")
        assert "prompt" not in query_of(begin(browser, server))

    def test_two_people_may_connect_the_same_account(self, browser, server) -> None:
        connect(browser, server)
        other = Client()
        other.force_login(CustomUser.objects.create_user("bob@example.org", "a long sentence"))
        connect(other, server)
        assert MastodonAccount.objects.count() == 2
        assert MastodonAccount.objects.values("remote_id").distinct().count() == 1

    def test_a_faster_tab_is_no_error(self, browser, user, server, monkeypatch) -> None:
        """Two tabs store the account at the same moment: the slower one has not seen the other's row."""
        location = answer_consent(server, begin(browser, server))
        MastodonAccount.objects.create(
            user=user,
            instance_url=server.url,
            username="ana",
            remote_id=str(server.world.person("ana").id),
            access_token="t",
        )
        monkeypatch.setattr(AccountQuerySet, "select_for_update", lambda rows: rows.none())
        come_back(browser, location)
        assert MastodonAccount.objects.get().access_token != "t"
