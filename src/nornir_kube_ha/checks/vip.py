"""Checks of the VIP as a client on the node sees it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.checks.model import HostView, Severity, Skipped, Verdict
from nornir_kube_ha.facts import NOT_PROBED, Probe
from nornir_kube_ha.intent import Node, Router
from nornir_kube_ha.intent.names import KEEPALIVED_CONF, VIP_RELEASED_FILE, VIP_WANTED_FILE


def ping(view: HostView) -> Verdict:
    """Check that the VIPs answer ping."""
    answers, expected = view.facts.reachable.ping, f"{view.cluster.addresses} answers"
    if answers is None:
        words = "not probed: ping is not installed"
        return Verdict(None, expected, words, "run deploy, which installs it", because=view.missing)
    live = {str(vip.ip) for router in view.routers for vip in router.vips}
    silent = [str(view.node.vip.ip)] if not answers else []
    silent += [each for each in view.facts.reachable.silent if each in live]
    return Verdict(
        not silent,
        expected,
        f"{', '.join(silent)} does not answer" if silent else expected,
        "find the holder with `ip address` on each node; check cabling, VLAN and firewall between the nodes",
    )


def readyz(view: HostView) -> Verdict | Skipped:
    """Check that an apiserver behind the VIPs is ready."""
    live = tuple(vip for router in view.routers for vip in router.vips)
    found = ready(view.node, view.facts.reachable.readyz, view.facts.reachable.additional, live[1:])
    return replace(found, because=view.missing) if isinstance(found, Verdict) else found


def version(view: HostView) -> Verdict | Skipped:
    """Check that the Kubernetes API answers behind the VIP."""
    found = answers_version(view.node, view.facts.reachable.version)
    return replace(found, because=view.missing) if isinstance(found, Verdict) else found


def ready(
    node: Node, probe: Probe, additional: Mapping[str, Probe], other_vips: Iterable[IPInterface] | None = None
) -> Verdict | Skipped:
    """Judge the responses of `/readyz` at each VIP.

    Arguments:
        node: a node of the VIPs' cluster
        probe: response at the first VIP
        additional: response at each other VIP, by address
        other_vips: the other VIPs; None stands for all in the inventory
    """
    others = [str(vip.ip) for vip in (node.other_vips if other_vips is None else other_vips)]
    seen = {other: additional.get(other, NOT_PROBED) for other in others}
    unasked = any(each == NOT_PROBED for each in (probe, *seen.values()))
    wrong = {other: each for other, each in seen.items() if each.status != 200 and each != NOT_PROBED}
    good = "200, 401 or 403" if node.haproxy.check == "readyz-or-unauthorized" else "200"
    dead = any(each != NOT_PROBED and not _is_well(node, each) for each in (probe, *seen.values()))
    expected = f"HTTP {good} from https://{node.endpoint}/readyz{_also(others)}, {_verification(node)}"
    words = "; ".join([f"{probe}{_anonymous(node, probe)}", *(f"at {other}: {each}" for other, each in wrong.items())])
    if not dead and unasked:
        return Verdict(None, expected, words, "run deploy, which installs curl")
    if not dead and node.haproxy.check == "tcp" and any(_lives(node, each) for each in (probe, *seen.values())):
        return Skipped(expected, words)
    return Verdict(
        not dead,
        expected,
        words,
        "no answer: see vip.single_holder, vip.ping, and the holder's haproxy.apiservers_up and "
        "haproxy.load (maxconn may be reached); certificate rejected: see apiserver.certificates",
    )


def answers_version(node: Node, probe: Probe) -> Verdict | Skipped:
    """Judge the response of `/version` at the VIP.

    Arguments:
        node: a node of the VIP's cluster
        probe: the response
    """
    expected = f"a Kubernetes version from https://{node.endpoint}/version, {_verification(node)}"
    words = probe.kubernetes_version or f"{probe}{_anonymous(node, probe)}"
    takes_strangers = node.haproxy.check != "readyz-or-unauthorized"
    if probe.wants_login and takes_strangers:  # anonymous access may be limited to /readyz, as is recommended
        return Skipped(expected, words)
    if probe == NOT_PROBED:
        return Verdict(None, expected, words, "run deploy, which installs curl")
    return Verdict(
        probe.wants_login or (probe.status == 200 and bool(probe.kubernetes_version)),
        expected,
        words,
        "something other than an apiserver answers, or nothing does: see vip.readyz",
    )


def _is_well(node: Node, probe: Probe) -> bool:
    return probe.status == 200 or _lives(node, probe)


def _lives(node: Node, probe: Probe) -> bool:
    """Return whether a 401 or 403 counts as alive, since `haproxy.check` does not require readiness."""
    return probe.wants_login and node.haproxy.check != "readyz"


def _also(others: list[str]) -> str:
    return f" and at {', '.join(others)}" if others else ""


def _verification(node: Node) -> str:
    return "verified by the CA" if node.apiserver_ca else "not verified: no apiserver_ca in the inventory"


def _anonymous(node: Node, probe: Probe) -> str:
    """Return an explanation of HTTP 401 and 403; "" for other responses."""
    if not probe.wants_login:
        return ""
    words = ": an apiserver answers but rejects anonymous clients (--anonymous-auth=false), so its readiness is unknown"
    hint = "; `haproxy.check: readyz-or-unauthorized` accepts that as alive"
    return words + (hint if node.haproxy.check == "readyz" else "")


def stats(view: HostView) -> Verdict:
    """Check that the stats page asks for a password. None is sent, since the server is not authenticated."""
    opened = view.facts.reachable.stats_open
    expected = f"{view.node.stats_url}: HTTP 401 without a password"
    if opened is NOT_PROBED:
        return Verdict(None, expected, str(opened), "run deploy, which installs curl", because=view.missing)
    return Verdict(
        opened.status == 401,
        expected,
        str(opened),
        "HTTP 200 means that the page asks for no password; any other status, that another program or "
        "file answers. Run deploy, and see vip.single_holder"
        if opened.status
        else "see vip.ping and the holder's haproxy.listening; if only a firewall between nodes blocks "
        "the page, clients are not affected",
        None if opened.status else Severity.WARNING,
    )


def no_move_left(view: HostView) -> Verdict:
    """Check that no planned move is in progress or was interrupted on the host."""
    found = [words for router in view.routers for words in _left(view, router)]
    return Verdict(
        not found if KEEPALIVED_CONF in view.facts.files else None,
        f"{view.node.name} has its own priority and may take the VIP",
        "; ".join(found) or "no trace of a move",
        "a move of the VIP is in progress or was interrupted; the host reverts it within a minute. If it "
        "stays, move the VIP to its present holder: `kube-ha vip move --to HOLDER` resets all nodes",
        Severity.WARNING,
    )


def _left(view: HostView, router: Router) -> Iterator[str]:
    wanted, released = view.facts.moves.wanted(router), view.facts.moves.released(router)
    # With preempt, the new holder keeps its raised priority after a move; otherwise the master would take the VIP back.
    if wanted and not (view.node.keepalived.preempt and wanted.isdigit()):
        yield f"{router.name(VIP_WANTED_FILE)} adds {wanted} to its priority"
    if view.facts.moves.drains(router):
        yield f"connections from before a move of {router.vip.ip} are still kept or forwarded"
    if released:
        yield f"{router.name(VIP_RELEASED_FILE)} says {released}: this node releases the VIP"
