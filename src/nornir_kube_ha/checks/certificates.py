"""The apiservers' certificates, each of them, as the nodes see them."""

from collections.abc import Collection, Iterator
from ipaddress import ip_address

from nornir_kube_ha.authority import validity
from nornir_kube_ha.checks.model import ClusterView, Severity, Skipped, Verdict
from nornir_kube_ha.facts import Certificate, Package
from nornir_kube_ha.intent import Apiserver

DAY = 86400  # seconds
_HINT = "see haproxy.apiservers_up, or ask the apiserver from a node: `openssl s_client -connect ADDRESS:PORT`"
_NO = Package(None)


def valid(view: ClusterView) -> Verdict:
    """Trusted, named and far from their end."""
    first = view.cluster.nodes[0]
    limits = first.verify
    trust = "signed by the CA" if first.apiserver_ca else "signed by whomever: no apiserver_ca"
    expected = f"each names {', '.join(first.server_names)}, lasts {limits.certificate_warn_days} days more, is {trust}"
    seen = {apiserver: found for apiserver in view.cluster.apiservers if (found := _seen(view, apiserver))}
    if not seen:
        words = "no node saw any: no apiserver answers, or openssl is missing"
        return Verdict(None, expected, words, _HINT, because=_cause(view, view.cluster.apiservers))
    wrong = [f"{apiserver.name}: {words}" for apiserver, found in seen.items() for words in _wrong(view, found)]
    days = {apiserver: _days_left(view, found) for apiserver, found in seen.items()}
    soon = [f"{each.name}: {left} days left" for each, left in days.items() if left < limits.certificate_warn_days]
    late = any(left < limits.certificate_fail_days for left in days.values())
    unseen = [f"{each.name}: not seen" for each in view.cluster.apiservers if each not in seen]
    return Verdict(
        False if wrong or late else None if unseen else not soon,
        expected,
        "; ".join([*wrong, *soon, *unseen] or [f"{each.name}: {left} days left" for each, left in days.items()]),
        _next(view, is_red=bool(wrong or soon)),
        None if wrong or late or unseen else Severity.WARNING,
        _cause(view, [each for each in view.cluster.apiservers if each not in seen]),
    )


def _cause(view: ClusterView, unseen: Collection[Apiserver]) -> str:
    """Which check is red for what shows no certificate: haproxy sees it down, or openssl is not there to ask."""
    if view.seen and all(facts.packages.get("openssl", _NO).installed is None for facts in view.seen.values()):
        return "packages.installed"
    up = {each.name for facts in view.seen.values() for each in facts.servers or () if each.is_up}
    down = view.seen and not any(each.name in up for each in unseen)
    return "haproxy.apiservers_up" if down else ""


def _next(view: ClusterView, *, is_red: bool) -> str:
    if _ca_ended(view):
        return "their CA has ended: see apiserver.ca"
    renewal = "renew it (`kubeadm certs renew apiserver`) with that name among its own, and restart that apiserver"
    return renewal if is_red else _HINT


def authority(view: ClusterView) -> Verdict | Skipped:
    """The CA that apiservers are verified by is valid, and far from its end.

    Of several in one file, as while a CA is renewed, one that lasts is enough for clients; the others are warned of.
    """
    limits = view.cluster.nodes[0].verify
    expected = f"valid for {limits.certificate_warn_days} days more"
    found = {each for node in view.cluster.nodes for each in validity(node.apiserver_ca or "")}
    if not found:
        return Skipped(expected, "no apiserver_ca")
    if not view.seen:
        return Verdict(None, expected, f"not seen: {', '.join(view.unseen)}", "")
    now = next(iter(view.seen.values())).clock.now
    order = sorted(found, key=lambda each: (each.name, each.begins))
    wrong = [each for each in order if not each.covers(now) or each.days_left(now) < limits.certificate_warn_days]
    longest = max((each.days_left(now) for each in order if each.covers(now)), default=-1)
    return Verdict(
        not wrong,
        expected,
        "; ".join(f"{each.name}: {each.words(now)}" for each in wrong or order),
        "renew the cluster's CA, not only the apiservers' certificates, which end with it (kubeadm's page on manual "
        "rotation of CA certificates); deploy with old and new CA in one apiserver_ca before apiservers change",
        None if longest < limits.certificate_fail_days else Severity.WARNING,
    )


def _seen(view: ClusterView, apiserver: Apiserver) -> Certificate | None:
    """What the nodes saw of it: one that trusts it goes first, since another may have a wrong CA of its own."""
    found = [facts.reachable.certificates.get(str(apiserver)) for facts in view.seen.values()]
    seen = [each for each in found if each and each.expires is not None]
    return next((each for each in seen if each.is_trusted), seen[0] if seen else None)


def _wrong(view: ClusterView, found: Certificate) -> Iterator[str]:
    first = view.cluster.nodes[0]
    kind = "IP Address" if first.server_name == str(view.cluster.vip.ip) else "DNS"
    missing = [name for name in first.server_names if not any(_names(each, kind, name) for each in found.names)]
    if missing:
        yield f"does not name {', '.join(missing)}"
    elif first.apiserver_ca and not found.is_trusted:
        yield f"not trusted: {found.verification.partition(' ')[2].strip('()')}"


def _names(found: str, kind: str, name: str) -> bool:
    """Whether one of a certificate's names is this, `*` for its first label included."""
    of_kind, _, value = found.partition(":")
    if kind == "IP Address" and ":" in value:  # IPv6, which OpenSSL prints without its short form
        return of_kind == kind and _is_same(value, name)
    names = {name.lower(), "*." + name.lower().partition(".")[2]} if kind == "DNS" else {name}
    return of_kind == kind and value.lower() in names


def _is_same(address: str, other: str) -> bool:
    try:
        return ip_address(address) == ip_address(other)
    except ValueError:
        return False


def _ca_ended(view: ClusterView) -> bool:
    spans = validity(view.cluster.nodes[0].apiserver_ca or "")
    now = next(iter(view.seen.values())).clock.now
    return bool(spans) and not any(each.covers(now) for each in spans)


def _days_left(view: ClusterView, found: Certificate) -> int:
    now = next(iter(view.seen.values())).clock.now
    return int(((found.expires or 0) - now) // DAY)
