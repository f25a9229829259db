"""Checks of further listeners behind the VIPs (`haproxy.listeners`)."""

from collections.abc import Iterator, Mapping

from nornir_kube_ha.checks.haproxy import seen_on, silence
from nornir_kube_ha.checks.model import HostView, Severity, Verdict
from nornir_kube_ha.facts import Server

OPEN = "open"  # what probes.sh says of a connection that stays
UNCHECKED = "no check"  # haproxy's status of a server with `check: none`


def listening(view: HostView) -> Verdict:
    """Check that haproxy has the port of each listener."""
    wanted = view.node.listener_sockets
    owners = {f"{each.address}:{each.port}": each.process for each in view.facts.listeners}
    return Verdict(
        all(owners.get(socket) == "haproxy" for socket in wanted.values()),
        ", ".join(f"{name} at {socket}: haproxy" for name, socket in wanted.items()),
        ", ".join(f"{name} at {seen_on(socket, owners)}" for name, socket in wanted.items()),
        "if another process has the port, free it; otherwise run deploy, and read `journalctl -u haproxy`",
    )


def servers_up(view: HostView) -> Verdict:
    """Check that haproxy sees exactly the inventory's servers of each listener, all up."""
    wanted = {name: {each.name: each.weight for each in view.node.servers_of(name)} for name in _names(view)}
    expected = ", ".join(f"{name}: {len(servers)} up" for name, servers in wanted.items())
    if view.facts.servers is None:
        return Verdict(None, expected, silence(view), "", because="haproxy.apiservers_up")
    found = {name: _judged(weights, view.facts.listener_servers.get(name)) for name, weights in wanted.items()}
    wrong = {name: words for name, (words, _) in found.items() if words}
    return Verdict(
        not wrong,
        expected,
        "; ".join(f"{name}: {words}" for name, words in wrong.items()) or expected,
        "start the server, or see whether the listener's `check` fits it: `check: tcp` asks only for an open port. "
        "A listener that is missing has not been deployed yet",
        Severity.WARNING if all(serves for _, serves in found.values()) else None,
    )


def _judged(weights: Mapping[str, int], servers: tuple[Server, ...] | None) -> tuple[str, bool]:
    """Return what is wrong with a listener's servers, "" if nothing is, and whether one of them takes clients."""
    if servers is None:
        return "haproxy has no such listener", False
    return "; ".join(_problems(weights, servers)), any(map(_is_up, servers))


def _problems(weights: Mapping[str, int], servers: tuple[Server, ...]) -> Iterator[str]:
    there = {each.name for each in servers}
    for each in servers:
        is_idle = weights.get(each.name) == 0 and each.status.startswith("DRAIN")
        if not (_is_up(each) or is_idle):
            yield f"{each.name} {each.status} ({each.check})"
    yield from (f"{name} missing" for name in weights if name not in there)
    yield from (f"{name} is not in the inventory" for name in sorted(there - set(weights)))


def _is_up(server: Server) -> bool:
    return server.is_up or server.status == UNCHECKED


def at_vip(view: HostView) -> Verdict:
    """Check that a connection to each listener stays open, at each VIP."""
    places = {place: name for name in _names(view) for place in view.node.places_of(name)}
    seen = view.facts.reachable.listeners
    expected = f"a connection to {', '.join(f'{name} ({place})' for place, name in places.items())} stays open"
    if not seen:
        return Verdict(None, expected, "not probed: socat is not installed", "run deploy", because=view.missing)
    wrong = {place: seen.get(place, "no answer") for place in places if seen.get(place) != OPEN}
    return Verdict(
        not wrong,
        expected,
        "; ".join(f"{places[place]} ({place}): {words}" for place, words in wrong.items()) or expected,
        "see the VIP holder's listener.listening and listener.servers_up; if only some nodes fail, a firewall between "
        "them, or the listener's `sources`",
    )


def _names(view: HostView) -> tuple[str, ...]:
    return tuple(view.node.haproxy.listeners)
