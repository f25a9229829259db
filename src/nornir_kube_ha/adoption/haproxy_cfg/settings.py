"""Say in the inventory's words what a host's haproxy does, and note what the inventory cannot express."""

from collections.abc import Mapping

from nornir_kube_ha.adoption.draft import Draft
from nornir_kube_ha.adoption.haproxy_cfg.apiservers import say_checks, say_servers
from nornir_kube_ha.adoption.haproxy_cfg.further import say_listeners
from nornir_kube_ha.adoption.haproxy_cfg.listener import (
    Listener,
    apiserver_listeners,
    is_any,
    listeners_of,
    sockets_of,
    stats_page,
    users_of,
)
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Located, Proxy
from nornir_kube_ha.adoption.haproxy_cfg.stats import say_stats
from nornir_kube_ha.adoption.note import Place
from nornir_kube_ha.errors import AdoptionError
from nornir_kube_ha.intent.haproxy import HAProxy
from nornir_kube_ha.intent.names import CLIENTS_TABLE, LAST_RESORT, METRICS_USERS

OURS = frozenset({LAST_RESORT, CLIENTS_TABLE, METRICS_USERS, "kube-ha"})
"""Names of sections that kube-ha itself writes beside the listener's and the stats page's."""
TIMEOUTS = {"connect": "contimeout", "client": "clitimeout", "server": "srvtimeout", "check": ""}
"""Timeouts of the inventory, and what they were called before haproxy 1.4."""
KEPT = frozenset(
    {"maxconn", "tcp-request", "acl", "backlog", "fullconn", "stick-table", "stick", "log-format", "log-tag"}
)
KEPT_OPTIONS = frozenset(
    {
        *("dontlognull", "dontlog-normal", "logasap", "tcpka", "clitcpka", "srvtcpka", "nolinger", "abortonclose"),
        *("log-separate-errors", "splice-auto", "splice-request", "splice-response", "tcp-smart-accept"),
        *("tcp-smart-connect", "transparent", "log-health-checks", "allbackups"),
    }
)
KEPT_TIMEOUTS = frozenset({"queue", "tunnel", "client-fin", "server-fin", "tarpit"})
SAID = frozenset(
    {"bind", "mode", "server", "default-server", "balance", "retries", "default_backend", "use_backend", "log"}
)
SAID_OPTIONS = frozenset({"tcplog", "httplog", "redispatch", "httpchk", "tcp-check", "ssl-hello-chk"})
MOST_NAMES = 20  # of lines, in a note
OWN_LINES = ("sess.client_port", "sess.vip", "acl to_vip ")
"""Parts of lines that kube-ha itself writes to the listener."""


def say_haproxy(draft: Draft, proxies: tuple[Proxy, ...]) -> Listener:
    """Put into a draft what haproxy does, and return the listener that leads to apiservers.

    Arguments:
        draft: of the host
        proxies: of the host

    Raises:
        AdoptionError: there is no such listener
    """
    listeners = listeners_of(proxies)
    found = apiserver_listeners(listeners)
    if not found:
        seen = ", ".join(str(each.front) for each in listeners) or "none"
        words = (
            "expected a haproxy listener that leads to apiservers (servers on port 6443), got listeners with servers"
        )
        raise AdoptionError(draft.running.name, f"{words}: {seen[:500]}")
    listener, page = found[0], stats_page(proxies)
    _say_bind(draft, listener)
    say_servers(draft, listener)
    say_checks(draft, listener, proxies)
    _say_traffic(draft, listener)
    _keep_lines(draft, listener)
    say_stats(draft, page if page is not listener.front else None)
    fronts = {listener.front.place, *((page.place,) if page else ())}
    others = [each for each in listeners if each.front.place not in fronts and each.front.name not in OURS]
    unsaid = say_listeners(draft, others)
    said = [section.place for each in others if each.front.place not in unsaid for section in each.sections]
    _note_others(draft, proxies, fronts.union(said, (each.place for each in listener.sections)), unsaid)
    return listener


def _say_bind(draft: Draft, listener: Listener) -> None:
    (host, port), *others = sockets_of(listener.front)
    line = next((each for each in listener.front.own if each.words[0] == "bind"), None)
    place = line.place if line else listener.front.place
    draft.say("haproxy.port", port, place)
    others = [(where, each) for where, each in others if each != port]
    for where, each in others:
        draft.end(
            f"port {each} of {listener.front}",
            f"the listener has one port, {port}: clients of {where or '*'}:{each} are refused",
            place,
        )
    if not is_any(host):
        words = f"the listener binds all addresses instead of {host}: a backup can then start without the VIP"
        draft.change(f"bind {host}:{port}", words, place)
    for option in sorted({"ssl", "accept-proxy"} & {*(line.words if line else ())}):
        draft.end(f"bind option {option}", "clients speak TLS with the apiservers themselves, without it", place)


def _say_traffic(draft: Draft, listener: Listener) -> None:
    front, back = listener.front, listener.back
    if line := back.last("balance"):
        draft.say("haproxy.balance", line.word(1), line.place)
    else:
        draft.say("haproxy.balance", "roundrobin", None, "haproxy's default")
    if line := back.last("retries"):
        draft.say("haproxy.retries", int(line.word(1)) if line.word(1).isdecimal() else line.word(1), line.place)
    if not back.has_option("redispatch"):
        words = "a connection that an apiserver refuses is tried on another one at once, instead of on the same one"
        draft.change("no `option redispatch`", words, back.place)
    log = front.last("option", "tcplog") or front.last("option", "httplog")
    draft.say(
        "haproxy.tcplog", front.has_option("tcplog") or front.has_option("httplog"), log.place if log else front.place
    )
    for name, old in TIMEOUTS.items():
        section = front if name == "client" else back
        if line := section.last("timeout", name) or (section.last(old) if old else None):
            draft.say(f"haproxy.timeouts.{name}", line.words[-1], line.place)
        else:
            value = HAProxy.model_fields["timeouts"].default.model_dump()[name]
            draft.change(f"no `timeout {name}`", f"it becomes {value}", section.place)


def _keep_lines(draft: Draft, listener: Listener) -> None:
    """Put lines that act on TCP connections into the inventory as they are, and note the others."""
    defaults: dict[str, Located] = {}
    lines: dict[str, Located] = {}
    left: dict[str, Located] = {}
    for section in listener.sections:
        for kept, found in ((defaults, section.inherited), (lines, section.own)):
            for line in found:
                if _acts(line) and not any(part in line.raw for part in OWN_LINES):
                    kept.setdefault(line.raw, line)
                elif not _acts(line) and not _is_said(line):
                    left.setdefault(" ".join(line.words[:2]), line)
    for key, kept in (("haproxy.defaults_lines", defaults), ("haproxy.listener_lines", lines)):
        if kept:
            draft.say(key, tuple(kept), next(iter(kept.values())).place)
    if left:
        names = ", ".join(f"`{name}`" for name in sorted(left)[:MOST_NAMES])
        words = "they do nothing for TCP connections, or have no place in the inventory, and are left out"
        draft.end(f"further lines of {listener.front.name}: {names}", words, next(iter(left.values())).place)


def _acts(line: Located) -> bool:
    words = line.words
    if words[0] == "no":
        words = words[1:]
    word = "".join(words[1:2])
    return (
        words[0] in KEPT
        or (words[0] == "option" and word in KEPT_OPTIONS)
        or (words[0] == "timeout" and word in KEPT_TIMEOUTS)
    )


def _is_said(line: Located) -> bool:
    word, second = line.word(0), line.word(1)
    return (
        word in SAID
        or word in TIMEOUTS.values()
        or word in {"http-check", "tcp-check", "description"}
        or (word in {"option", "no"} and (second in SAID_OPTIONS or line.word(2) in SAID_OPTIONS))
        or (word == "timeout" and second in TIMEOUTS)
    )


def _note_others(draft: Draft, proxies: tuple[Proxy, ...], said: set[Place], unsaid: Mapping[Place, str]) -> None:
    """Note every section that has no place in the inventory.

    Arguments:
        draft: of the host
        proxies: of the host
        said: places of the sections that have one
        unsaid: why a listener has none, by place
    """
    used = users_of(each for each in proxies if each.place not in said)
    for each in proxies:
        if each.place in said or each.name in OURS or not each.section.serves:
            continue
        if each.kind in {"frontend", "listen"}:
            ports = sorted({port for _, port in sockets_of(each)})
            where = f"port {', '.join(map(str, ports))}" if ports else "no TCP port"
            why = unsaid.get(each.place, "it has no servers")
            draft.end(
                f"{each.kind} {each.name} on {where}",
                f"the inventory cannot express it ({why}): a deploy would end it, and "
                "its clients would be refused. Move it to another host, or keep it by a template of your own "
                "(docs/inventory.md)",
                each.place,
            )
        elif each.kind != "backend" or each.name not in used:
            draft.end(f"section {each.kind} {each.name}".rstrip(), "nothing uses it after a deploy", each.place)
