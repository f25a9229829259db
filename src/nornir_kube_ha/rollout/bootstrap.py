"""Deploy before `kubeadm init`: no apiserver answers yet, and the run does not wait for one."""

from collections.abc import Iterable

from nornir_kube_ha.checks import waits
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import PreflightError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.foreign import written_for
from nornir_kube_ha.tasks import await_first_apiserver


def refuse_served(run: Run) -> None:
    """Refuse `--bootstrap` for clusters that have served before: their apiservers are down, not yet to be created.

    Arguments:
        run: has looked at its hosts

    Raises:
        StoppedError: a cluster has served
    """
    for cluster in run.clusters:
        for name, facts in _seen(run, cluster).items():
            if evidence := _evidence(facts):
                words = f"--bootstrap is for clusters that have never served, but this one has: {evidence}"
                run.fail(name, PreflightError(name, f"{words}. Run `verify` instead; nothing was changed"))
    run.ledger.stop_if_failed()


def new_clusters(run: Run, *, told: bool) -> dict[str, str]:
    """Return why the hosts of each new cluster wait for their first apiserver, by the cluster's name.

    Arguments:
        run: has looked at its hosts, and changed none of their files yet
        told: whether an operator states that no apiserver has ever been up
    """
    if told:
        return {cluster.name: "told" for cluster in run.clusters}
    return {cluster.name: "seen" for cluster in run.clusters if _is_new(cluster, _seen(run, cluster))}


def await_first_apiservers(run: Run, why: dict[str, str]) -> None:
    """Have the hosts of new clusters wait for their first apiserver.

    Arguments:
        run: has changed its hosts, which run haproxy by now
        why: reason of each new cluster, by its name

    Raises:
        StoppedError: a host of each cluster failed to do so
    """
    for cluster in run.clusters:
        if cluster.name in why:
            names = [node.name for node in cluster.nodes if node.name in run.going]
            run.tell_of_change(f"no apiserver of cluster {cluster.name} answers yet; the run does not wait for one")
            run.each(await_first_apiserver, names, intent=run.intent, why=why[cluster.name], lease=run.lease)
    run.ledger.end_failed_clusters()


def without_apiservers(run: Run) -> set[str]:
    """Return the names of the hosts that waited for their first apiserver at the last look.

    Arguments:
        run: has looked at its hosts
    """
    return {name for name, facts in run.facts.items() if waits([facts])}


def _seen(run: Run, cluster: Cluster) -> dict[str, Facts]:
    return {node.name: run.facts[node.name] for node in cluster.nodes if node.name in run.facts}


def _is_new(cluster: Cluster, seen: dict[str, Facts]) -> bool:
    """Return whether this is a cluster's first deploy, and no apiserver answers any of its nodes."""
    first = len(seen) == len(cluster.nodes) and not any(map(_is_deployed, seen.values()))
    return first and not any(map(_evidence, seen.values())) and _none_answers(seen.values())


def _is_deployed(facts: Facts) -> bool:
    return KEEPALIVED_CONF in facts.files and written_for(facts, KEEPALIVED_CONF) is not None


def _none_answers(found: Iterable[Facts]) -> bool:
    """Return whether each node has asked, and none was shown a certificate."""
    asked = [facts.reachable.certificates.values() for facts in found]
    return all(asked) and all(each.expires is None for certificates in asked for each in certificates)


def _evidence(facts: Facts) -> str:
    """Return what shows that a cluster has served: traces on its nodes, or an apiserver that is up; "" if nothing."""
    up = [server.name for server in facts.servers or () if server.is_up and "OK" in server.check]
    return ", ".join([*facts.bootstrap.served, *(f"apiserver {name} is up" for name in up)])
