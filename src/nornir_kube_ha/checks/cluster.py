"""Checks that need the facts of all hosts of a cluster."""

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations

from nornir_kube_ha.checks import vip
from nornir_kube_ha.checks.model import ClusterView, Skipped, Verdict
from nornir_kube_ha.facts import NOT_PROBED, Facts
from nornir_kube_ha.intent import Router

MOST_NAMED = 10  # hardware addresses listed per message


def single_holder(view: ClusterView) -> Verdict | Skipped:
    """Check that exactly one node holds the VIPs of each virtual router."""
    routers = view.cluster.routers
    found = [_holder(view, router) for router in routers]
    nodes = ", ".join(node.name for node in view.cluster.nodes)
    untold = any(ok is None for ok, _words, _missing in found)
    missing = any(missing for _ok, _words, missing in found)
    named = len(routers) > 1
    seen = [
        f"{router.addresses}: {words}" if named else words
        for router, (_ok, words, _missing) in zip(routers, found, strict=True)
    ]
    expected = f"exactly one of {nodes} holds {'; '.join(router.addresses for router in routers)}"
    if untold and not any(ok is False for ok, _words, _missing in found):
        return view.unmade(expected, "" if all(ok is None for ok, _words, _missing in found) else "; ".join(seen))
    return Verdict(
        not any(ok is False for ok, _words, _missing in found),
        expected,
        "; ".join(seen),
        "two holders: the nodes do not receive each other's VRRP (protocol 112, firewall, VRID); none: "
        "see keepalived.state"
        + (
            "; a holder without one of its VIPs: find what removed the address, then restart keepalived, "
            "which adds it again"
            if missing
            else ""
        ),
    )


def _holder(view: ClusterView, router: Router) -> tuple[bool | None, str, bool]:
    """Judge the holders of a virtual router.

    Returns:
        Whether exactly one node holds all VIPs (None if unknown); the holders; whether a holder lacks some VIPs
    """
    holders = view.holders(router)
    # An unseen node may be the holder or a second one; two seen holders are a failure in any case.
    if view.unseen and len(holders) < 2:
        return None, f"not seen: {', '.join(view.unseen)}", False
    missing = [f"{name} without {vip.ip}" for name in holders for vip in router.vips if not view.facts[name].holds(vip)]
    words = ", ".join(holders) + "".join(f"; {each}" for each in missing)
    return len(holders) == 1 and not missing, words or "nobody", bool(missing)


def arp(view: ClusterView) -> Verdict | Skipped:
    """Check that every node resolves the VIPs to the holder's hardware address."""
    expected = f"only the VIP holder answers ARP or neighbour discovery for {view.cluster.addresses}"
    heard = {name: facts.heard for name, facts in view.seen.items() if facts.heard and facts.heard.is_whole}
    holders = {router: view.holders(router) for router in view.cluster.routers}
    known = {router: names[0] for router, names in holders.items() if len(names) == 1}
    wrong = [words for router, holder in known.items() for words in _wrong_answers(view, router, holder)]
    unowned = [words for router in holders if router not in known for words in _wrong_answers(view, router, "")]
    if len(known) < len(holders) and not wrong and (view.unseen or not unowned):
        words = "; ".join(unowned) or "no answer"
        if view.unseen:
            return view.unmade(expected, words)
        words = f"no single holder seen; {words}"
        return Verdict(None, expected, words, "see vip.single_holder", because="vip.single_holder")
    if not view.unseen:  # an unseen node may be the legitimate owner of such an answer
        wrong += unowned
    deaf = [name for name in view.seen if name not in heard]
    owners = [f"{name}, {', '.join(sorted(_macs(view, name, router)))}" for router, name in known.items()]
    if deaf and not wrong:
        words, hint = f"cannot listen: {', '.join(deaf)}", "see vrrp.adverts of these nodes"
        return Verdict(None, expected, words, hint, because=_cause_of_deafness(view, deaf))
    verdict = Verdict(
        not wrong,
        expected,
        "; ".join(wrong or owners),
        "a hardware address that is not the holder's: another host or a network device answers for the "
        "VIP, find it. Nothing: the holder's answers get lost (VLAN, port isolation, arp_ignore, ICMPv6 "
        "dropped)",
    )
    return _of_all(view, verdict)


def _cause_of_deafness(view: ClusterView, deaf: Collection[str]) -> str:
    """Return the check that explains why all these nodes cannot listen; "" if there is none."""
    if all(view.facts[name].heard is None for name in deaf):
        return "vrrp.adverts"
    without = all(view.cluster.node(name).interface not in view.facts[name].links for name in deaf)
    return "host.interface" if without else ""


def _wrong_answers(view: ClusterView, router: Router, holder: str) -> Iterator[str]:
    """Yield each node that resolves a VIP to anything but the holder's hardware address.

    Arguments:
        view: the cluster
        router: the virtual router whose VIPs are judged
        holder: name of the node that holds them; "" without a single holder
    """
    owner = _macs(view, holder, router) if holder else frozenset()
    several = len(view.cluster.vips) > 1
    for address in (each.ip for each in router.vips):
        for name, facts in view.seen.items():
            if not facts.heard or facts.heard.trouble:
                continue
            macs = {each.mac for each in facts.heard.answers if each.address == address}
            # The holder may not hear its own replies to other nodes.
            if macs - owner or (holder not in {"", name} and not macs and not facts.heard.excess):
                which = f" of {address}" if several else ""
                more = f" and {len(macs) - MOST_NAMED} more" if len(macs) > MOST_NAMED else ""
                yield f"{name} gets {', '.join(sorted(macs)[:MOST_NAMED]) or 'no answer'}{more}{which}"


def _of_all(view: ClusterView, verdict: Verdict) -> Verdict | Skipped:
    """Return the verdict; if it is a pass but nodes were not seen, return that it could not be made."""
    return view.unmade(verdict.expected) if verdict.ok and view.unseen else verdict


def _macs(view: ClusterView, holder: str, router: Router) -> frozenset[str]:
    """Return the hardware addresses of the interfaces that have a VIP; with `use_vmac` these are keepalived's own."""
    facts, vips = view.facts[holder], {vip.ip for vip in router.vips}
    names = {interface for interface, each in facts.addresses if each.ip in vips}
    return frozenset(link.mac for name, link in facts.links.items() if name in names)


def from_controller(view: ClusterView) -> Verdict | Skipped:
    """Check that the control-plane endpoint answers the controller."""
    node = view.cluster.nodes[0]
    if view.endpoint is None:
        expected = f"https://{node.endpoint} answers the controller"
        if node.verify.from_controller:
            return Verdict(None, expected, "not asked: the run ended before this check", "")
        return Skipped(expected, "not asked: verify.from_controller is false")
    ready = vip.ready(node, view.endpoint.readyz, view.endpoint.additional)
    version = vip.answers_version(node, view.endpoint.version)
    expected, seen = f"{ready.expected}, asked from the controller", f"{ready.seen}, {version.seen}"
    told = [each.ok for each in (ready, version) if isinstance(each, Verdict)]
    if isinstance(ready, Skipped) and all(told):
        return Skipped(expected, seen)
    return Verdict(
        False if False in told else None if None in told else True,
        expected,
        seen,
        "if vip.readyz passes on the nodes, the path from the controller is at fault, otherwise the VIP. "
        "If the controller has no such path, set verify.from_controller: false",
    )


def reached_by_peers(view: ClusterView) -> Verdict | Skipped:
    """Check that each node's haproxy serves the other nodes, as it would if it held the VIP."""
    ways = {
        f"{name} -> {other.name}": facts.reachable.peers.get(other.haproxy_address)
        for name, facts in view.seen.items()
        for other in view.cluster.peers(view.cluster.node(name))
    }
    wrong = [
        f"{way}: {probe}" for way, probe in ways.items() if probe and probe.status != 200 and not probe.wants_login
    ]
    unasked = [way for way, probe in ways.items() if probe is None]
    without_curl = any(facts.reachable.readyz == NOT_PROBED for facts in view.seen.values())
    verdict = Verdict(
        False if wrong else None if unasked or not ways else True,
        "each node's haproxy serves all other nodes, whether or not it holds the VIP",
        "; ".join(wrong)
        or (f"not asked: {', '.join(unasked)}" if unasked else f"{len(ways)} paths" if ways else "no node was seen"),
        "that node would not serve as VIP holder: see its haproxy.active, haproxy.listening and host.firewall"
        if wrong
        else "",
        because="vip.readyz" if without_curl else "",
    )
    return _of_all(view, verdict)


def same_versions(view: ClusterView) -> Verdict | Skipped:
    """Check that all nodes have the same versions of the daemons."""
    found = {daemon: _versions(daemon, view.seen) for daemon in ("haproxy", "keepalived")}
    mixed = [
        f"{name}'s {daemon} is {version}"
        for daemon, by in found.items()
        if len(set(by.values())) > 1
        for name, version in by.items()
    ]
    every = [f"{daemon} {next(iter(by.values()))}" for daemon, by in found.items() if by]
    missing = [f"{name} has no {daemon}" for daemon, by in found.items() for name in view.seen if name not in by]
    verdict = Verdict(
        False if mixed else None if missing or not view.seen else True,
        "haproxy and keepalived have the same upstream version on all nodes",
        "; ".join(mixed or missing) or ", ".join(every) or "no node was seen",
        "upgrade all nodes to one release: nodes with different features detect faults differently" if mixed else "",
        because="packages.installed" if missing else "",
    )
    return _of_all(view, verdict)


def _versions(daemon: str, seen: Mapping[str, Facts]) -> dict[str, str]:
    packages = {name: facts.packages.get(daemon) for name, facts in seen.items()}
    return {name: ".".join(map(str, each.upstream)) for name, each in packages.items() if each and each.installed}


def clocks(view: ClusterView) -> Verdict | Skipped:
    """Check that the nodes' clocks agree."""
    limit = view.cluster.nodes[0].verify.clock_difference
    pairs = {pair: _apart(view, *pair) for pair in combinations(view.seen, 2)}
    apart = [
        f"{one} and {other} are {seconds:.1f} s apart" for (one, other), seconds in pairs.items() if seconds > limit
    ]
    expected = f"clocks of any two nodes at most {limit:g} s apart"
    if not pairs:
        return view.unmade(expected, "fewer than two nodes were seen")
    verdict = Verdict(
        not apart,
        expected,
        "; ".join(apart) or "they agree",
        "fix the time service (chrony, systemd-timesyncd) on the node whose clock is wrong; "
        "`timedatectl` shows its state",
    )
    return _of_all(view, verdict)


def _apart(view: ClusterView, one: str, other: str) -> float:
    """Return the least difference of two clocks in seconds that the bounds of `Clock.ahead` allow."""
    (low, high), (other_low, other_high) = view.seen[one].clock.ahead, view.seen[other].clock.ahead
    return max(0.0, low - other_high, other_low - high)
