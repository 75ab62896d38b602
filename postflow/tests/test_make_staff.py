"""The command that makes an operator of somebody who has signed up."""

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


def make_staff(capsys, *arguments: str) -> str:
    call_command("make_staff", *arguments)
    return capsys.readouterr().out


def test_it_gives_all_rights_and_takes_them_back(capsys, user, client) -> None:
    assert make_staff(capsys, " Ana@Example.org") == "ana@example.org is an operator now.\n"
    user.refresh_from_db()
    assert user.is_staff
    assert user.is_superuser
    client.force_login(user)
    assert client.get("/admin/").status_code == 200
    assert "already" in make_staff(capsys, "ana@example.org")
    said = make_staff(capsys, "ana@example.org", "--undo")
    assert said == "ana@example.org is an operator no longer.\nNobody is an operator now.\n"
    user.refresh_from_db()
    assert not user.is_staff
    assert not user.is_superuser
    assert "already" in make_staff(capsys, "ana@example.org", "--undo")


def test_half_of_the_rights_become_all_or_none(capsys, user) -> None:
    user.is_staff = True
    user.save()
    assert "no longer" in make_staff(capsys, "ana@example.org", "--undo")
    user.refresh_from_db()
    assert not user.is_staff


def test_an_address_that_nobody_has_is_said(user) -> None:
    with pytest.raises(CommandError, match=r"Nobody signs in with ben@example.org\. Sign up in the browser"):
        call_command("make_staff", "ben@example.org")
