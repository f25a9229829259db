"""The apiservers' certificates, each of them, as the nodes see them."""

from collections.abc import Iterator
from ipaddress import ip_address

from nornir_kube_ha.checks.model import ClusterView, Severity, Verdict
from nornir_kube_ha.facts import Certificate
from nornir_kube_ha.intent import Apiserver

DAY = 86400  # seconds


def valid(view: ClusterView) -> Verdict:
    """Trusted, named and far from their end."""
    first = view.cluster.nodes[0]
    limits = first.verify
    trust = "signed by the CA" if first.apiserver_ca else "signed by whomever: no apiserver_ca"
    expected = f"each names {', '.join(first.server_names)}, lasts {limits.certificate_warn_days} days more, is {trust}"
    seen = {apiserver: found for apiserver in view.cluster.apiservers if (found := _seen(view, apiserver))}
    if not seen:
        return Verdict(None, expected, "no node saw any", "")
    wrong = [f"{apiserver.name}: {words}" for apiserver, found in seen.items() for words in _wrong(view, found)]
    days = {apiserver: _days_left(view, found) for apiserver, found in seen.items()}
    soon = [f"{each.name}: {left} days left" for each, left in days.items() if left < limits.certificate_warn_days]
    late = any(left < limits.certificate_fail_days for left in days.values())
    unseen = [f"{each.name}: not seen" for each in view.cluster.apiservers if each not in seen]
    return Verdict(
        False if wrong or soon else None if unseen else True,
        expected,
        "; ".join([*wrong, *soon] or unseen or [f"{each.name}: {left} days left" for each, left in days.items()]),
        "renew it (`kubeadm certs renew apiserver`) with that name among its own, and restart that apiserver",
        None if wrong or late else Severity.WARNING,
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


def _days_left(view: ClusterView, found: Certificate) -> int:
    now = next(iter(view.seen.values())).clock.now
    return int(((found.expires or 0) - now) // DAY)
