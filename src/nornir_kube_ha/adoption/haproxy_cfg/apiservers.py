"""The apiservers of a listener, and how haproxy checks their health, in the inventory's words."""

import re

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.adoption.draft import Draft, Said, refusal
from nornir_kube_ha.adoption.haproxy_cfg.listener import HEALTH, Listener, sockets_of
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Proxy
from nornir_kube_ha.adoption.haproxy_cfg.servers import EXPRESSED, Server
from nornir_kube_ha.errors import AdoptionError
from nornir_kube_ha.intent.names import LAST_RESORT

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62})")
LEFT = {
    "backup": "it gets connections like the others, not only when they are down",
    "disabled": "it gets connections again",
    "ssl": "clients speak TLS with the apiserver itself",
    "send-proxy": "the apiserver is sent no PROXY header, which it would not understand",
    "maxconn": "haproxy no longer limits its connections",
}
"""Effects of server parameters that the inventory cannot express."""


def say_servers(draft: Draft, listener: Listener) -> None:
    """Put the apiservers into a draft.

    Arguments:
        draft: of the host
        listener: that leads to them

    Raises:
        AdoptionError: no server has an address
    """
    found: dict[tuple[object, object], Said] = {}
    names: set[object] = set()
    for server in listener.servers:
        address = server.address or _resolved(draft, server)
        if not address:
            continue
        item = _item(draft, server, address, sockets_of(listener.front)[0][1])
        if item.get("name") in names:
            item.pop("name", None)
        names.add(item.get("name"))
        if (key := (item["address"], item["port"])) not in found:
            found[key] = Said(item, server.line.place)
            _note_parameters(draft, server)
    if not found:
        hosts = ", ".join(server.host for server in listener.servers)
        raise AdoptionError(draft.running.name, f"no server of {listener.back} has an address: {hosts[:300]}")
    draft.settings["apiservers"] = Said(tuple(found.values()))
    for section in listener.backs:
        for line in section.each("server-template"):
            draft.end("server-template", "its servers have no place in the inventory: list them by hand", line.place)


def _item(draft: Draft, server: Server, address: IPAddress, default_port: int) -> dict[str, object]:
    item: dict[str, object] = {"address": str(address), "port": server.port or default_port}
    if _NAME.fullmatch(server.name):
        item = {"name": server.name, **item}
    elif server.name:
        draft.change("name of a server", f"in logs and reports it is called {address}", server.line.place)
    weight = server.parameters.get("weight", "1")
    if weight != "1" and weight.isdecimal() and int(weight) <= 256:
        item["weight"] = int(weight)
    return item


def _resolved(draft: Draft, server: Server) -> IPAddress | None:
    """Return the address that a server's name has, and note that it is fixed from now on."""
    what = f"server {server.name} {server.host}"
    addresses = [each for each in draft.running.resolved.get(server.host, ()) if not refusal("address", str(each))]
    if not addresses:
        draft.end(
            what, "its name does not resolve on the host: add its address to `apiservers` by hand", server.line.place
        )
        return None
    words = (
        f"the inventory has its address of now, {addresses[0]}: a change in DNS no longer moves it, and load balancers"
    )
    draft.change(what, f"{words} start while DNS is down", server.line.place)
    return addresses[0]


def _note_parameters(draft: Draft, server: Server) -> None:
    for name, value in server.parameters.items():
        if name not in EXPRESSED:
            effect = LEFT.get(name, "the inventory cannot express it, and it is left out")
            draft.end(f"`{f'{name} {value}'.strip()}` of server {server.name}", effect, server.line.place)


def say_checks(draft: Draft, listener: Listener, proxies: tuple[Proxy, ...]) -> None:
    """Put the health checks into a draft.

    Arguments:
        draft: of the host
        listener: that leads to the apiservers
        proxies: of the host
    """
    back, first = listener.back, listener.servers[0]
    place = first.line.place
    for name in ("inter", "fastinter", "fall", "rise"):
        values: dict[str, Server] = {}
        for each in listener.servers:
            if name in each.parameters:
                values.setdefault(each.parameters[name], each)
        if values:
            value, server = next(iter(values.items()))
            number = int(value) if name in {"fall", "rise"} and value.isdecimal() else value
            draft.say(f"haproxy.{name}", number, server.line.place)
            if len(values) > 1:
                draft.change(f"`{name}` differs between servers", f"all get {value}", place)
    _say_kind(draft, back, first)
    if draft.value("haproxy.check") != "tcp":
        has_one = any(each.name == LAST_RESORT for each in proxies)
        if has_one or draft.value("cluster"):
            draft.say("haproxy.last_resort", has_one, None, f"backend {LAST_RESORT}")


def _say_kind(draft: Draft, back: Proxy, first: Server) -> None:
    lines = [line for line in (*back.inherited, *back.own) if line.words[0] in {"option", "http-check"}]
    asked = next((line for line in lines if HEALTH.search(line.raw)), None)
    if asked is None:
        draft.say("haproxy.check", "tcp", first.line.place)
        if not first.is_checked:
            draft.change(
                "servers without `check`", "an apiserver that is down gets no connections any more", first.line.place
            )
        elif (
            other := back.last("option", "ssl-hello-chk")
            or back.last("option", "tcp-check")
            or back.last("option", "httpchk")
        ):
            draft.change(f"`option {other.word(1)}`", "the check opens a TCP connection, no more", other.place)
        return
    takes_401 = any(line.word(1) == "expect" and re.search(r"\b40[13]\b", line.raw) for line in lines)
    draft.say("haproxy.check", "readyz-or-unauthorized" if takes_401 else "readyz", asked.place)
    path = HEALTH.search(asked.raw)
    if path and path[0] != "/readyz":
        draft.change(
            f"the check of {path[0]}",
            "it asks for /readyz: an apiserver that starts or ends gets no new connections",
            asked.place,
        )
