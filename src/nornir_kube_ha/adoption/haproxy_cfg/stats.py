"""haproxy's stats page in the inventory's words."""

from pydantic import SecretStr

from nornir_kube_ha.adoption.draft import Draft
from nornir_kube_ha.adoption.haproxy_cfg.listener import sockets_of
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Located, Proxy
from nornir_kube_ha.intent import weakness_of
from nornir_kube_ha.intent.names import METRICS_PATH

PASSWORD = "haproxy.stats.password"  # noqa: S105 - the key's name
GENERATED = "haproxy.stats.generate_password"
_CONDITION = frozenset({".if", ".endif"})
ANY = frozenset({"", "*", "0.0.0.0", "::", "[::]"})  # noqa: S104 - as a file has them


def say_stats(draft: Draft, page: Proxy | None) -> None:
    """Put the stats page into a draft.

    Arguments:
        draft: of the host
        page: the page's section; None if there is none
    """
    if page is None:
        draft.change("no stats page of its own", "a page that needs a password listens on port 10080; /status shows it")
        draft.say(GENERATED, value=True, place=None, words="there was no page")
        return
    (host, port), *_ = sockets_of(page)
    line = next((each for each in page.own if each.words[0] == "bind"), None)
    place = line.place if line else page.place
    draft.say("haproxy.stats.port", port, place)
    if host not in ANY:
        draft.say("haproxy.stats.bind", host.strip("[]"), place)
    for word in ("uri", "refresh"):
        if line := page.last("stats", word):
            draft.say(f"haproxy.stats.{word}", line.word(2), line.place)
    if not page.last("stats", "uri"):
        draft.change("the stats page at /haproxy?stats", "it moves to /status", page.place)
    if line := page.last("stats", "realm"):
        draft.say("haproxy.stats.realm", line.word(2), line.place)
    hidden = page.last("stats", "hide-version")
    draft.say("haproxy.stats.hide_version", hidden is not None, hidden.place if hidden else page.place)
    _say_admin(draft, page)
    log = page.last("log")
    draft.say("haproxy.stats.log", _log_of(log), log.place if log else page.place)
    _say_login(draft, page)
    metrics = _say_metrics(draft, page)
    for line in page.own:
        if line not in metrics and line.words[0] not in {"bind", "mode", "log", "stats", "description"}:
            draft.end(f"`{line.word(0)} {line.word(1)}` of the stats page", "it is left out", line.place)


def _log_of(line: Located | None) -> str | None:
    return " ".join(line.words[1:]) if line and line.word(1) != "global" else None


def _say_admin(draft: Draft, page: Proxy) -> None:
    line = page.last("stats", "admin")
    is_for_all = line is not None and line.words[2:] == ("if", "TRUE")
    draft.say("haproxy.stats.admin", is_for_all, line.place if line else page.place)
    if line and not is_for_all:
        draft.change("`stats admin` with a condition", "the page is read-only", line.place)


def _say_metrics(draft: Draft, page: Proxy) -> list[Located]:
    """Put the Prometheus exporter on the page's port into a draft, and return its lines."""
    service = [line for line in page.own if line.words[:3] == ("http-request", "use-service", "prometheus-exporter")]
    login = [line for line in page.own if line.words[:2] == ("http-request", "auth") and METRICS_PATH in line.words]
    draft.say("haproxy.metrics", bool(service), service[0].place if service else page.place)
    if service and not (METRICS_PATH in service[0].words and login):
        draft.change(
            "the page's Prometheus metrics", f"{METRICS_PATH} has them, with the page's login", service[0].place
        )
    return [*service, *login, *(line for line in page.own if line.words[0] in _CONDITION)] if service else []


def _say_login(draft: Draft, page: Proxy) -> None:
    logins = [line for line in (*page.inherited, *page.own) if line.words[:2] == ("stats", "auth")]
    if not logins:
        draft.change(
            "the stats page without a password", "the first deploy makes one up, and the hosts keep it", page.place
        )
        draft.say(GENERATED, value=True, place=page.place, words="the page had no password")
        return
    user, _, password = logins[0].word(2).partition(":")
    place = logins[0].place
    draft.say("haproxy.stats.user", user, place)
    if weakness := weakness_of(password):
        draft.to_do(
            f"the stats password {weakness.partition(';')[0]}",
            "set another: haproxy.stats.password. Without it the first deploy makes one up, and the hosts keep it",
            place,
        )
        draft.say(GENERATED, value=True, place=place, words=f"the password at {place} is too weak")
    else:
        draft.secrets[PASSWORD] = SecretStr(password)
        draft.say(PASSWORD, "a-password-of-its-own", place)
    for line in logins[1:]:
        draft.end(f"login {line.word(2).partition(':')[0]} of the stats page", "the page has one login", line.place)
