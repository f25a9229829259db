"""Before `kubeadm init`: no apiserver answers yet, which is a state of its own and no outage.

A host knows it by a process that a deploy started there, and that ends for good when the first apiserver answers. So a
cluster that has served once never comes back to this state.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from nornir_kube_ha.checks.model import ClusterView, Finding, HostView, Status
from nornir_kube_ha.facts import Facts

THROUGH_HAPROXY = frozenset({"haproxy.reached_by_peers", "vip.from_controller", "vip.readyz", "vip.version"})
AWAITED = THROUGH_HAPROXY | {"apiserver.certificates", "haproxy.apiservers_up"}
"""Checks of what only an apiserver can answer."""
NO_APISERVER_YET = "no apiserver answers yet"
NEXT = "run `kubeadm init` on the first control-plane node (docs: kubeadm.md), then `verify`"
# What is said of a way that does not even lead to a haproxy: that has nothing to do with apiservers.
_NO_WAY = re.compile(r"curl: \((6|7|28)\)|refused|timed out|[Nn]o route|unreachable")


def with_state(view: HostView | ClusterView, finding: Finding) -> Finding:
    """Return a finding as a warning with the state's own words, where a check fails because no apiserver answers yet.

    Arguments:
        view: what is judged
        finding: what a check found there
    """
    if finding.status is Status.PASS or finding.id not in AWAITED or not _waits(view):
        return finding
    if finding.id in THROUGH_HAPROXY and _NO_WAY.search(finding.seen):
        return finding
    return replace(finding, status=Status.WARN, seen=f"{NO_APISERVER_YET}: {finding.seen}", next=NEXT)


def waits(found: Iterable[Facts]) -> bool:
    """Return whether hosts wait for their first apiserver, each of them.

    Arguments:
        found: of the hosts
    """
    return all(map(_is_waiting, found))


def _waits(view: HostView | ClusterView) -> bool:
    if isinstance(view, HostView):
        return _is_waiting(view.facts)
    return bool(view.seen) and waits(view.seen.values())


def _is_waiting(facts: Facts) -> bool:
    """An apiserver that is silent is there, or its address is wrong: only a person may call that `yet`."""
    if not facts.bootstrap.waits or any(server.is_up for server in facts.servers or ()):
        return False
    refused = all("L4CON" in server.check for server in facts.servers or ())
    return facts.bootstrap.waits == "told" or refused
