"""Notifications of changes by a webhook that takes Slack's form, `{"text": "..."}`."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from pydantic import SecretStr

from nornir_kube_ha.cli.exit_codes import tell
from nornir_kube_ha.cli.regular.store import mark_sent
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.inventory.secret import read_secret
from nornir_kube_ha.report.history import Change, duration_words
from nornir_kube_ha.text import one_line

TIMEOUT = 10  # seconds for an attempt
PAUSES = (1, 3)  # seconds before the second and the third attempt
MOST_LINES = 20
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
FORMS = ("env", "file", "pass")
MOMENTARY = {408, 425, 429}  # beside every 5xx: worth another attempt


def webhook(text: str) -> SecretStr:
    """Return the URL of `--notify`.

    Arguments:
        text: the URL, or `env:NAME`, `file:PATH` or `pass:ENTRY` as secrets of the inventory

    Raises:
        UsageError: the secret cannot be read, or is not an HTTPS URL; the message does not have it
    """
    form, _, rest = text.partition(":")
    try:
        url = read_secret({form: rest}, Path.cwd()) if form in FORMS else SecretStr(text)
        parts = urlsplit(url.get_secret_value())
        host, _port = parts.hostname, parts.port  # each raises ValueError where it is malformed
    except (ValueError, OSError) as error:
        words = str(error) if form in FORMS else "it is not a URL"
        raise UsageError(f"--notify: {words}") from None
    if not host or not url.get_secret_value().isascii() or set(url.get_secret_value()) & set(" \t\r\n\0\x7f"):
        raise UsageError("--notify: expected a URL, or env:NAME, file:PATH or pass:ENTRY with one")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise UsageError("--notify: expected https://...; http:// is for 127.0.0.1 only")
    return url


def send(unsent: Mapping[str, tuple[Change, ...]], url: SecretStr, folder: Path) -> bool:
    """Send changes and record that, and return whether all of it was done. What fails is sent by the next run.

    Arguments:
        unsent: the changes, by cluster
        url: of the webhook
        folder: of the history
    """
    if not unsent:
        return True
    try:
        post(url, message(unsent))
        mark_sent(folder, unsent)
    except OSError as error:
        tell(f"error: the notification was not sent, the next run tries again: {error}")
        return False
    return True


def message(changes: Mapping[str, tuple[Change, ...]]) -> str:
    """Return the text of a notification, with Slack's escapes.

    Arguments:
        changes: by cluster
    """
    lines = [line for cluster, each in changes.items() for line in _lines(cluster, each)]
    shown = lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], f"and {len(lines) - MOST_LINES + 1} more"]
    text = "\n".join(("kube-ha verify: the state of checks has changed", *shown))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(cluster: str, changes: tuple[Change, ...]) -> Iterator[str]:
    """Yield a line for each change, what turned red first."""
    for each in sorted(changes, key=lambda each: not each.red):
        state, other = ("RED", "green") if each.red else ("green", "red")
        before = "" if each.lasted is None else f", was {other} for {duration_words(each.lasted)}"
        where = f"{cluster} {each.host}".strip()
        yield one_line(f"{state}: {where} {each.check} at {each.at.astimezone():%Y-%m-%d %H:%M}{before}: {each.seen}")


def post(url: SecretStr, text: str, sleep: Callable[[float], object] = time.sleep) -> None:
    """Send a text to a webhook, in three attempts at most.

    Arguments:
        url: of the webhook
        text: the message
        sleep: waits between attempts

    Raises:
        OSError: it was not accepted; the message does not have the URL
    """
    opener = build_opener(_NoRedirect, HTTPSHandler(context=ssl.create_default_context()))
    for pause in (*PAUSES, None):
        reason, is_final = _attempt(opener, url, text)
        if not reason:
            return
        if is_final or pause is None:
            break
        sleep(pause)
    raise OSError(f"{urlsplit(url.get_secret_value()).hostname}: {reason}")


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, which would turn the request into a GET, perhaps to another host."""

    def redirect_request(self, *_: object) -> None:
        """Return no further request: the redirect is an error."""


def _attempt(opener: OpenerDirector, url: SecretStr, text: str) -> tuple[str, bool]:
    """Return why an attempt failed, "" if it did not, and whether another one would be useless."""
    body = json.dumps({"text": text}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "nornir-kube-ha"}
    request = Request(url.get_secret_value(), data=body, headers=headers, method="POST")  # noqa: S310 - checked by `webhook`
    try:
        with opener.open(request, timeout=TIMEOUT):
            return "", True
    except HTTPError as error:
        error.close()
        return f"HTTP {error.code}", error.code < 500 and error.code not in MOMENTARY
    except URLError as error:
        reason: Any = error.reason
        return str(reason), isinstance(reason, ssl.SSLCertVerificationError)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, False  # its text may have the URL
