"""Listeners that lead elsewhere than to apiservers - an ingress, a registry - as `haproxy.listeners` has them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar, get_args

from nornir_kube_ha.adoption.draft import Draft, refusal
from nornir_kube_ha.adoption.haproxy_cfg.listener import Listener, is_any, sockets_of
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Located
from nornir_kube_ha.adoption.haproxy_cfg.servers import Server
from nornir_kube_ha.adoption.note import Place
from nornir_kube_ha.intent import Listener as Setting

KEY = "haproxy.listeners"
_BALANCE = frozenset(get_args(Setting.model_fields["balance"].annotation))
_BIND_OPTIONS = frozenset({"v4v6"})
_SAID = frozenset({"bind", "mode", "server", "default-server", "balance", "retries", "default_backend", "description"})
_SAID_OPTIONS = frozenset({"tcplog", "httplog", "redispatch", "forwardfor", "httpchk"})
_PARAMETERS = frozenset(
    {
        *("check", "no-check", "check-ssl", "verify", "port", "weight", "send-proxy", "send-proxy-v2", "enabled"),
        *("inter", "fastinter", "downinter", "fall", "rise", "no-ssl-reuse"),
    }
)
Value = TypeVar("Value", str, bool)
_TIMERS = frozenset({"inter", "fastinter", "downinter", "fall", "rise"})
_SOURCES = re.compile(r"tcp-request connection reject unless \{ src ([0-9A-Fa-f:./ ]+) \}")


class _UnsaidError(Exception):
    """The inventory cannot express what a listener does."""


def say_listeners(draft: Draft, listeners: Iterable[Listener]) -> Mapping[Place, str]:
    """Put listeners into a draft.

    Arguments:
        draft: of the host
        listeners: without the apiservers' and the stats page's

    Returns:
        Why the inventory cannot express a listener, by the place of its first section
    """
    found: dict[str, object] = {}
    places: dict[str, Place] = {}
    unsaid: dict[Place, str] = {}
    for each in listeners:
        name, place = each.front.name, each.front.place
        try:
            found = _with(found, name, _item(draft, each))
        except _UnsaidError as error:
            unsaid[place] = str(error)
        else:
            places[name] = place
            _note_changes(draft, each)
    if found:
        words = "; ".join(f"{name}: {place}" for name, place in places.items())
        draft.say(KEY, found, None, words)
    return unsaid


def _with(found: Mapping[str, object], name: str, item: object) -> dict[str, object]:
    """Return listeners with one more.

    Raises:
        _UnsaidError: the inventory refuses it
    """
    if wrong := refusal(KEY, {**found, name: item}):
        raise _UnsaidError(wrong)
    return {**found, name: item}


def _item(draft: Draft, listener: Listener) -> dict[str, object]:
    """Return a listener as the inventory has it.

    Raises:
        _UnsaidError: it cannot express the listener
    """
    front, back = listener.front, listener.back
    if len(listener.backs) > 1 or any(front.each("use_backend")):
        raise _UnsaidError("it chooses between backends")
    ports = {port for _, port in sockets_of(front)}
    if len(ports) != 1:
        raise _UnsaidError("it has several ports")
    options = [word for line in front.each("bind") for word in line.words[2:] if word not in _BIND_OPTIONS]
    if options:
        raise _UnsaidError(f"its `bind` has `{options[0]}`")
    if {front.mode, back.mode} not in ({"tcp"}, {"http"}):
        raise _UnsaidError(f"mode {front.mode} and {back.mode}")
    balance = line.word(1) if (line := back.last("balance")) else "roundrobin"
    if balance not in _BALANCE:
        raise _UnsaidError(f"`balance {balance}`")
    [port] = ports
    item: dict[str, object] = {"port": port, "mode": front.mode, "balance": balance}
    item |= {"servers": tuple(_servers(listener.servers)), **_check(listener), **_proxy_protocol(listener.servers)}
    sources, lines = _lines(draft, listener)
    item |= {"sources": sources} if sources else {}
    return item | ({"lines": lines} if lines else {})


def _servers(servers: Sequence[Server]) -> Iterator[dict[str, object]]:
    for server in servers:
        if left := sorted(server.parameters.keys() - _PARAMETERS):
            raise _UnsaidError(f"server {server.name} has `{left[0]}`")
        if not server.address:
            raise _UnsaidError(f"server {server.name} has the name {server.host} instead of an address")
        address = str(server.address)
        item: dict[str, object] = {"name": server.name} if server.name != address else {}
        item |= {"address": address} | ({"port": server.port} if server.port else {})
        weight = server.parameters.get("weight", "1")
        yield item | ({"weight": int(weight)} if weight != "1" and weight.isdecimal() else {})


def _check(listener: Listener) -> dict[str, object]:
    servers, back = listener.servers, listener.back
    lines = (*back.inherited, *back.own)
    if any(line.words[0] in {"http-check", "tcp-check"} for line in lines) or back.has_option("tcp-check"):
        raise _UnsaidError("its health check expects a certain answer")
    if not _same(servers, lambda server: server.is_checked):
        return {"check": "none"}
    is_http = back.has_option("httpchk")
    is_tls = _same(servers, lambda server: "check-ssl" in server.parameters)
    if is_tls and not is_http:
        raise _UnsaidError("its health check is a TLS handshake")
    found: dict[str, object] = {"check": "https" if is_tls else "http" if is_http else "tcp"}
    if is_http and (line := back.last("option", "httpchk")):
        words = line.words[2:]
        found["check_path"] = words[1] if len(words) > 1 else (*words, "/")[0]
    port = _same(servers, lambda server: server.parameters.get("port", ""))
    return found | ({"check_port": int(port)} if port.isdecimal() else {})


def _proxy_protocol(servers: Sequence[Server]) -> dict[str, object]:
    kinds = {"send-proxy": "v1", "send-proxy-v2": "v2"}
    sent = _same(servers, lambda server: "".join(kinds[each] for each in kinds if each in server.parameters))
    return {"send_proxy": sent} if sent else {}


def _same(servers: Sequence[Server], said: Callable[[Server], Value]) -> Value:
    """Return what all servers say.

    Raises:
        _UnsaidError: they differ
    """
    values = {said(server) for server in servers}
    if len(values) > 1:
        raise _UnsaidError("its servers are not checked or served alike")
    return values.pop()


def _lines(draft: Draft, listener: Listener) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the networks whose clients may connect, and the lines that stay as they are."""
    sources: list[str] = []
    kept: dict[str, None] = {}
    for line in (line for section in listener.sections for line in section.own if not _is_said(line)):
        if "http_auth" in line.raw:
            raise _UnsaidError("it has a userlist")
        if match := _SOURCES.fullmatch(line.raw):
            sources += match[1].split()
        else:
            kept[line.raw] = None
    return tuple(sources), (*kept, *(line.raw for line in _inherited(draft, listener) if line.raw not in kept))


def _inherited(draft: Draft, listener: Listener) -> Iterator[Located]:
    """Yield inherited lines that differ from what the inventory has for all listeners, the apiservers' own."""
    sections = {"connect": listener.back, "client": listener.front, "server": listener.back, "check": listener.back}
    for name, section in sections.items():
        line = section.last("timeout", name)
        if line in section.inherited and line.words[-1] != str(draft.value(f"haproxy.timeouts.{name}")):
            yield line


def _is_said(line: Located) -> bool:
    word, second = line.word(0), line.word(1)
    return (
        word in _SAID
        or (word in {"option", "no"} and (second in _SAID_OPTIONS or line.word(2) in _SAID_OPTIONS))
        or (word == "log" and second == "global")
    )


def _is_timed(draft: Draft, server: Server) -> bool:
    """Return whether a server is checked at other intervals than the apiservers."""
    return any(
        value != str(draft.value(f"haproxy.{name}")) for name, value in server.parameters.items() if name in _TIMERS
    )


def _note_changes(draft: Draft, listener: Listener) -> None:
    front, back = listener.front, listener.back
    hosts = {host for host, _ in sockets_of(front) if not is_any(host)}
    if hosts:
        words = f"it binds all addresses instead of {', '.join(sorted(hosts))}: a backup can then start without the VIP"
        draft.change(f"bind of {front}", words, front.place)
    timed = [server for server in listener.servers if _is_timed(draft, server)]
    if timed:
        words = "they become the apiservers': haproxy.inter, fastinter, fall and rise"
        draft.change(f"intervals of the checks of {front.name}", words, timed[0].line.place)
    if front.mode == "http" and not (front.has_option("forwardfor") or back.has_option("forwardfor")):
        draft.change(f"no `option forwardfor` in {front.name}", "its servers get X-Forwarded-For", front.place)
    method = (line.words[2:-1] if (line := back.last("option", "httpchk")) else ())[:1]
    if method and method[0] != "GET":
        draft.change(f"the check of {front.name} by {method[0]}", "it becomes a GET", back.place)
