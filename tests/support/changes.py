"""Changes of what was found on a healthy host, and what the checks say of them."""

import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

from rig.samples import NONCE

from nornir_kube_ha.checks import ClusterView, Finding, HostView, Status, check_cluster, check_host
from nornir_kube_ha.facts import Facts, Heard, Package, Probe, VRRPInstance
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import KEEPALIVED_CONF, VRRP_INSTANCE

Change = Callable[[Facts], Facts]
Hosts = Callable[..., HostView]
Clusters = Callable[..., ClusterView]

VIP = IPv4Interface("192.0.2.10/24")
VIP_ON_HOST = IPv4Interface("192.0.2.10/32")
SECOND_VIP = IPv4Interface("192.0.2.20/24")
SECOND_INSTANCE = "VI-kube-master-69"
RED = {Status.FAIL, Status.WARN}


def replace_section(text: str, name: str, body: str) -> str:
    """A record with another body in one section."""
    changed, count = re.subn(
        rf"(?<=\n@{NONCE} {re.escape(name)}\n).*?(?=\n@{NONCE} )", lambda _: body, text, count=1, flags=re.DOTALL
    )
    assert count == 1
    return changed


def facts(**changes: Any) -> Change:  # noqa: ANN401 - fields of Facts
    return lambda found: replace(found, **changes)


def together(*changes: Change) -> Change:
    def change(found: Facts) -> Facts:
        for each in changes:
            found = each(found)
        return found

    return change


def unit(name: str, **changes: Any) -> Change:  # noqa: ANN401 - fields of Unit
    return lambda found: replace(found, units={**found.units, name: replace(found.units[name], **changes)})


def package(name: str, now: Package | None) -> Change:
    def change(found: Facts) -> Facts:
        others = {key: value for key, value in found.packages.items() if key != name}
        return replace(found, packages={**others, **({name: now} if now else {})})

    return change


def file(path: str, **changes: Any) -> Change:  # noqa: ANN401 - fields of FileFact
    return lambda found: replace(found, files={**found.files, path: replace(found.files[path], **changes)})


def without_file(path: str) -> Change:
    return lambda found: replace(found, files={key: value for key, value in found.files.items() if key != path})


def reachable(**changes: Any) -> Change:  # noqa: ANN401 - fields of Reachable
    return lambda found: replace(found, reachable=replace(found.reachable, **changes))


def heard(**changes: Any) -> Change:  # noqa: ANN401 - fields of Heard
    def change(found: Facts) -> Facts:
        return replace(found, heard=replace(found.heard or Heard(frozenset(), frozenset()), **changes))

    return change


def vrrp(state: str, *, holds: bool) -> Change:
    def change(found: Facts) -> Facts:
        others = tuple(pair for pair in found.addresses if pair[1].ip != VIP.ip)
        return replace(
            found,
            vrrp=(VRRPInstance(VRRP_INSTANCE, state, 120),),
            addresses=(*others, ("eth0", VIP)) if holds else others,
        )

    return change


def second_router(state: str, *, holds: bool) -> Change:
    """What the second virtual router is on a host."""

    def change(found: Facts) -> Facts:
        own = found.vrrp or ()
        others = tuple(pair for pair in found.addresses if pair[1].ip != SECOND_VIP.ip)
        return replace(
            found,
            vrrp=(*own, VRRPInstance(SECOND_INSTANCE, state, 120)),
            addresses=(*others, ("eth0", SECOND_VIP)) if holds else others,
            reachable=replace(found.reachable, additional={str(SECOND_VIP.ip): Probe(200, "")}),
        )

    return change


TWO_WELL = {
    "lb-1": together(vrrp("MASTER", holds=True), second_router("BACKUP", holds=False)),
    "lb-2": together(vrrp("BACKUP", holds=False), second_router("MASTER", holds=True)),
    "lb-3": together(vrrp("BACKUP", holds=False), second_router("BACKUP", holds=False)),
}
"""What makes three hosts well where there are two virtual routers."""


def with_vip(facts: Facts, *interfaces: str) -> Facts:
    """A host that has the VIP on these interfaces and nowhere else."""
    others = tuple(each for each in facts.addresses if each[1].ip != VIP_ON_HOST.ip)
    return replace(facts, addresses=(*others, *((name, VIP_ON_HOST) for name in interfaces)))


def fresh(facts: Facts) -> Facts:
    """A host that keepalived has never run on."""
    files = {path: file for path, file in facts.files.items() if path != KEEPALIVED_CONF}
    return replace(with_vip(facts), files=files)


def as_found(file: ConfigFile) -> FileFact:
    """A file that is as it should be."""
    return FileFact(file.path, file.mode, file.owner, file.group, file.content.encode())


def unchanged(found: Facts) -> Facts:
    return found


def findings_of(view: HostView | ClusterView) -> dict[str, Finding]:
    """All findings by the check's id."""
    findings = check_host(view) if isinstance(view, HostView) else check_cluster(view)
    return {finding.id: finding for finding in findings}


def only_red(view: HostView | ClusterView) -> Finding:
    """The one finding that is red: nothing else may be."""
    (found,) = (finding for finding in findings_of(view).values() if finding.status in RED)
    return found


def assert_red(view: HostView | ClusterView, check: str, *words: str, status: Status = Status.FAIL) -> None:
    """A check is red and no other, and its words say what should be, what is and what to do.

    Arguments:
        view: what is judged
        check: its id
        words: a part of what is expected, of what was seen, and of what to do next
        status: how red
    """
    found = only_red(view)
    assert (found.id, found.status) == (check, status)
    for word, text in zip(words, (found.expected, found.seen, found.next), strict=True):
        assert word in text


def assert_skipped(view: HostView | ClusterView, check: str, seen: str) -> None:
    """A check cannot tell, and says why; and nothing else is red by it."""
    findings = findings_of(view)
    assert [finding for finding in findings.values() if finding.status in RED] == []
    assert (findings[check].status, findings[check].next) == (Status.SKIP, "")
    assert seen in findings[check].seen
    assert findings[check].expected


def assert_unmade(view: HostView | ClusterView, check: str, seen: str, status: Status = Status.UNKNOWN) -> None:
    """A check could not be made though it should have been: nothing has failed, and nothing has passed either."""
    findings = findings_of(view)
    assert [finding for finding in findings.values() if finding.status is Status.FAIL] == []
    assert findings[check].status is status
    assert seen in findings[check].seen
    assert findings[check].expected
