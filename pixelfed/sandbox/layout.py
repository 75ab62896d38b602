"""The few HTML pages of a sandbox instance: plain, tidy, in one place."""

from __future__ import annotations

from html import escape

from pixelfed.sandbox.entities import Person

STYLE = """
:root { color-scheme: light dark; --line: #8884; --accent: #2f6f62; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: Canvas; color: CanvasText; }
header { border-bottom: 1px solid var(--line); padding: .75rem 1.25rem; }
header a { color: inherit; text-decoration: none; font-weight: 600; }
header small { opacity: .7; margin-left: .75rem; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1.25rem; }
main.narrow { max-width: 26rem; }
h1 { font-size: 1.35rem; margin: 0 0 1rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit; border: 1px solid var(--line);
  border-radius: .4rem; background: Field; color: FieldText; }
button { font: inherit; padding: .6rem 1.1rem; border-radius: .4rem; border: 1px solid var(--line);
  background: none; color: inherit; cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: #fff; }
.row { display: flex; gap: .75rem; margin-top: 1.5rem; }
.wrong { color: #b3261e; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .5rem; }
.grid img { width: 100%; aspect-ratio: 1; object-fit: cover; display: block; border-radius: .3rem; }
figure { margin: 0 0 1rem; } figure img { max-width: 100%; height: auto; border-radius: .4rem; }
.quiet { opacity: .7; } img.face { width: 4rem; height: 4rem; border-radius: 50%; }
"""

SCOPE_WORDS = {
    "read": "Read your account, your posts and who liked them",
    "write": "Post, edit and delete in your name",
    "follow": "Follow, mute and block people in your name",
    "push": "Receive your push notifications",
    "admin:read": "Read all data on the server",
    "admin:write": "Change all data on the server",
}


def page(site: str, title: str, body: str, *, narrow: bool = False) -> str:
    """Return a whole page; `body` is HTML already, the rest is text."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)} - {escape(site)}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header><a href="/">{escape(site)}</a><small>a sandbox, nothing here is real</small></header>\n'
        f"<main{' class="narrow"' if narrow else ''}>\n{body}\n</main>\n</body>\n</html>\n"
    )


def sign_in_page(site: str, csrf: str, wrong: str = "") -> str:
    """Return the sign-in form."""
    warning = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    body = (
        f'<h1>Sign in</h1>{warning}\n<form method="post" action="/login">\n'
        f'<input type="hidden" name="_token" value="{csrf}">\n'
        '<label for="email">Name or e-mail</label>'
        '<input id="email" name="email" autocomplete="username" required>\n'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>\n'
        '<div class="row"><button class="main" type="submit">Sign in</button></div>\n</form>'
    )
    return page(site, "Sign in", body, narrow=True)


def consent_page(
    site: str, *, app: str, person: Person, scopes: tuple[str, ...], csrf: str, client_id: int, state: str
) -> str:
    """Return the page on which a person lets an app in, or not."""
    wishes = "".join(f"<li>{escape(SCOPE_WORDS.get(scope, scope))}</li>" for scope in scopes)
    hidden = (
        f'<input type="hidden" name="_token" value="{csrf}">'
        f'<input type="hidden" name="state" value="{escape(state)}">'
        f'<input type="hidden" name="client_id" value="{client_id}">'
    )
    body = (
        f"<h1>{escape(app)} asks for access</h1>\n"
        f"<p>You are signed in as <strong>@{escape(person.username)}</strong>. "
        "This app would be able to:</p>\n"
        f'<ul>{wishes}</ul>\n<div class="row">\n'
        f'<form method="post" action="/oauth/authorize">{hidden}'
        '<button class="main" type="submit">Authorize</button></form>\n'
        f'<form method="post" action="/oauth/authorize">{hidden}'
        '<input type="hidden" name="_method" value="DELETE">'
        '<button type="submit">Cancel</button></form>\n</div>'
    )
    return page(site, "Authorization", body, narrow=True)
