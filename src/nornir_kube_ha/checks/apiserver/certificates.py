"""Checks of the apiservers' certificates and their CA."""

from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.checks.model import ClusterView, Severity, Verdict
from nornir_kube_ha.facts import Certificate, Facts, Package
from nornir_kube_ha.intent import Apiserver, Cluster, Node
from nornir_kube_ha.intent.names import HAPROXY_CA
from nornir_kube_ha.planning.ca_validity import subjects, validity

DAY = 86400  # seconds
_HINT = "see haproxy.apiservers_up, or ask the apiserver from a node: `openssl s_client -connect ADDRESS:PORT`"
_NAME_CA = "set apiserver_ca to a copy of the cluster's CA, kubeadm's /etc/kubernetes/pki/ca.crt, then deploy"
_NO = Package(None)
NOT_NAMED = "does not name"
ADD_NAME = (
    "add it to apiServer.certSANs in kubeadm's ClusterConfiguration, and move apiserver.crt and "
    "apiserver.key out of /etc/kubernetes/pki. Then run `kubeadm init phase certs apiserver --config "
    "FILE` and restart that apiserver. `kubeadm certs renew` never adds a name"
)


def valid(view: ClusterView) -> Verdict:
    """Check that all certificates are trusted, contain the clients' names, and do not expire soon."""
    first = view.cluster.nodes[0]
    limits = first.verify
    trust = "signed by the CA" if first.apiserver_ca else "signed by any CA (no apiserver_ca to compare)"
    expected = (
        f"each names {', '.join(first.server_names)}, is valid for {limits.certificate_warn_days} "
        f"more days, and is {trust}"
    )
    seen = {apiserver: found for apiserver in view.cluster.apiservers if (found := _seen(view, apiserver))}
    if not seen:
        words = "no certificate seen: no apiserver answers, or openssl is missing"
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
        _next(view, wrong, soon),
        None if wrong or late or unseen else Severity.WARNING,
        _cause(view, [each for each in view.cluster.apiservers if each not in seen]),
    )


def _cause(view: ClusterView, unseen: Collection[Apiserver]) -> str:
    """Return the check that explains why certificates were not seen: openssl is missing, or the apiservers are down."""
    if view.seen and all(facts.packages.get("openssl", _NO).installed is None for facts in view.seen.values()):
        return "packages.installed"
    up = {each.name for facts in view.seen.values() for each in facts.servers or () if each.is_up}
    down = view.seen and not any(each.name in up for each in unseen)
    return "haproxy.apiservers_up" if down else ""


def _next(view: ClusterView, wrong: Collection[str], soon: Collection[str]) -> str:
    if _ca_ended(view):
        return "their CA has expired: see apiserver.ca_certificate"
    return next_steps(wrong, soon) or _HINT


def authority(view: ClusterView) -> Verdict:
    """Check that the inventory names the apiservers' CA, and that it is valid and does not expire soon.

    A file may hold several CAs while one is renewed. One that lasts is enough for clients; others that end only warn.
    """
    limits = view.cluster.nodes[0].verify
    expected = f"valid for {limits.certificate_warn_days} more days"
    found = {each for node in view.cluster.nodes for each in validity(node.apiserver_ca or "")}
    if not found:
        words = "no apiserver_ca: haproxy and these checks trust any answer from an apiserver's address"
        return Verdict(ok=False, expected=expected, seen=words, next=_NAME_CA, severity=Severity.WARNING)
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
        "renew the cluster's CA: renewed apiserver certificates still end with it (kubeadm: manual "
        "rotation of CA certificates). Put the old and the new CA into one apiserver_ca and deploy, "
        "before the apiservers change",
        None if longest < limits.certificate_fail_days else Severity.WARNING,
    )


def next_steps(wrong: Collection[str], soon: Collection[str]) -> str:
    """Return what to do about certificates; `kubeadm certs renew` never adds a name.

    Arguments:
        wrong: descriptions of certificates that are not trusted or lack a name
        soon: descriptions of certificates that expire soon
    """
    steps = [ADD_NAME] if any(NOT_NAMED in words for words in wrong) else []
    if soon:
        steps.append("expires soon: run `kubeadm certs renew apiserver` on its node, and restart that apiserver")
    if any(NOT_NAMED not in words for words in wrong):
        steps.append(
            "not trusted: apiserver_ca must be the CA that signed it, kubeadm's "
            "/etc/kubernetes/pki/ca.crt. `kubeadm certs renew apiserver` signs it again with the current "
            "CA"
        )
    return "; ".join(steps)


def new_without_name(cluster: Cluster, seen: Mapping[str, Facts]) -> Iterator[str]:
    """Yield a sentence for each new client name that apiservers' certificates lack.

    Names that clients already use are left out, so that they do not block an unrelated change.

    Arguments:
        cluster: the intended state
        seen: facts by host name
    """
    view, first = ClusterView(cluster, seen), cluster.nodes[0]
    live = {str(vip.ip) for vip in first.vips if any(_is_live(facts, vip) for facts in seen.values())}
    new = [name for name in first.server_names if name not in live and (_is_address(name) or not live)]
    lacking = dict[str, list[str]]()
    for apiserver in cluster.apiservers:
        found = _seen(view, apiserver)
        if found and (missing := ", ".join(name for name in _missing(view, found) if name in new)):
            lacking.setdefault(missing, []).append(apiserver.name)
    for missing, names in lacking.items():
        yield f"{missing} is missing from the certificate of apiserver {', '.join(names)}: {ADD_NAME}"


def of_another_ca(cluster: Cluster, node: Node, seen: Mapping[str, Facts]) -> Iterator[str]:
    """Yield a sentence for each issuer of apiservers' certificates that a new CA of the inventory did not sign.

    A CA that the host has already is left out, so that it does not block an unrelated change. So are apiservers that
    no host reaches.

    Arguments:
        cluster: the intended state
        node: the host that gets the CA
        seen: facts by host name, of this host at least
    """
    live = seen[node.name].files.get(HAPROXY_CA)
    if not node.apiserver_ca or (live and live.content == node.apiserver_ca.encode()):
        return
    view = ClusterView(cluster, seen)
    strange = dict[tuple[str, str], list[str]]()
    for apiserver in cluster.apiservers:
        found = _seen(view, apiserver)
        if found and found.is_of_another_ca:
            strange.setdefault((found.issuer, _reason(found)), []).append(f"{apiserver.name} ({apiserver})")
    for (issuer, reason), names in strange.items():
        yield (
            f"apiserver_ca ({_subjects(node.apiserver_ca)}) does not verify the certificate of apiserver "
            f"{', '.join(names)}, issued by {_other(issuer, node.apiserver_ca)}: {reason}. Set apiserver_ca to a copy "
            "of the CA that signed it, kubeadm's /etc/kubernetes/pki/ca.crt. While a CA is being renewed, put the old "
            "and the new one into one file"
        )


def _subjects(pem: str) -> str:
    return " and ".join(subjects(pem)) or "without a readable subject"


def _other(issuer: str, pem: str) -> str:
    """Return the issuer's name, told apart from a CA of the inventory that has the same one: kubeadm's all have."""
    return f"another CA called {issuer}" if issuer in subjects(pem) else issuer or "an unknown CA"


def _reason(found: Certificate) -> str:
    return found.verification.partition(" ")[2].strip("()")


def _is_live(facts: Facts, vip: IPInterface) -> bool:
    return facts.holds(vip) or vip.ip in facts.keepalived_conf.assigned


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _missing(view: ClusterView, found: Certificate) -> list[str]:
    """Return the names that clients use and a certificate lacks."""
    first = view.cluster.nodes[0]
    kind = "IP Address" if first.server_name == str(view.cluster.vip.ip) else "DNS"
    return [name for name in first.server_names if not any(_names(each, kind, name) for each in found.names)]


def _seen(view: ClusterView, apiserver: Apiserver) -> Certificate | None:
    """Return an apiserver's certificate, preferably from a node that trusts it: another node may have a wrong CA."""
    found = [facts.reachable.certificates.get(str(apiserver)) for facts in view.seen.values()]
    seen = [each for each in found if each and each.expires is not None]
    return next((each for each in seen if each.is_trusted), seen[0] if seen else None)


def _wrong(view: ClusterView, found: Certificate) -> Iterator[str]:
    first = view.cluster.nodes[0]
    if missing := _missing(view, found):
        yield f"{NOT_NAMED} {', '.join(missing)}"
    elif first.apiserver_ca and not found.is_trusted:
        yield f"not trusted: {_reason(found)}{_issued_by(found, first.apiserver_ca)}"


def _issued_by(found: Certificate, pem: str) -> str:
    if not found.issuer or not found.is_of_another_ca:
        return ""
    return f" (issued by {_other(found.issuer, pem)}; apiserver_ca is {_subjects(pem)})"


def _names(found: str, kind: str, name: str) -> bool:
    """Return whether an entry of the certificate matches a name; `*` may stand for the first label."""
    of_kind, _, value = found.partition(":")
    if kind == "IP Address" and ":" in value:  # OpenSSL prints IPv6 addresses without `::`
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
