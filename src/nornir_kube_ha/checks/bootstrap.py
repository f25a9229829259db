"""The state before `kubeadm init`: no apiserver answers yet, which is not an outage.

A deploy starts a process on each host that marks this state and ends when the first apiserver answers. So a cluster
that has served once never returns to this state.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from nornir_kube_ha.checks.model import ClusterView, Finding, HostView, Status
from nornir_kube_ha.facts import Facts

THROUGH_HAPROXY = frozenset({"haproxy.reached_by_peers", "vip.from_controller", "vip.readyz", "vip.version"})
AWAITED = THROUGH_HAPROXY | {"apiserver.certificates", "haproxy.apiservers_up"}
"""Checks that cannot pass without an apiserver."""
NO_APISERVER_YET = "no apiserver answers yet"
NEXT = "run `kubeadm init` on the first control-plane node (docs: kubeadm.md), then `verify`"
# Errors of a connection that did not even reach haproxy; a missing apiserver does not explain these.
_NO_WAY = re.compile(r"curl: \((6|7|28)\)|refused|timed out|[Nn]o route|unreachable")


def with_state(view: HostView | ClusterView, finding: Finding) -> Finding:
    """Return the finding, reduced to a warning if the check fails only because no apiserver answers yet.

    Arguments:
        view: the host or cluster that was checked
        finding: result of the check
    """
    if finding.status is Status.PASS or finding.id not in AWAITED or not _waits(view):
        return finding
    if finding.id in THROUGH_HAPROXY and _NO_WAY.search(finding.seen):
        return finding
    return replace(finding, status=Status.WARN, seen=f"{NO_APISERVER_YET}: {finding.seen}", next=NEXT)


def waits(found: Iterable[Facts]) -> bool:
    """Return whether all hosts wait for their first apiserver."""
    return all(map(_is_waiting, found))


def _waits(view: HostView | ClusterView) -> bool:
    if isinstance(view, HostView):
        return _is_waiting(view.facts)
    return bool(view.seen) and waits(view.seen.values())


def _is_waiting(facts: Facts) -> bool:
    """Return whether a host waits for its first apiserver.

    Apiservers must refuse connections (L4CON). One that is silent may be down or have a wrong address, so only an
    operator (`deploy --bootstrap`) may call that state "not yet".
    """
    if not facts.bootstrap.waits or any(server.is_up for server in facts.servers or ()):
        return False
    refused = all("L4CON" in server.check for server in facts.servers or ())
    return facts.bootstrap.waits == "told" or refused
