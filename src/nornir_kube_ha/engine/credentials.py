"""The credential of each cluster that has one: a kubeconfig from the command line, the inventory or the lab."""

from collections.abc import Collection
from pathlib import Path

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.inventory.kubeconfig import read_kubeconfig, read_own_kubeconfig
from nornir_kube_ha.lab.door import kubeconfig_of


def credentials_of(clusters: Collection[Cluster], given: Path | None = None) -> dict[str, Kubernetes]:
    """Return the credential of each cluster that has one, by cluster name. A lab with a real control plane has its own.

    Arguments:
        clusters: clusters of the run
        given: a kubeconfig that takes precedence over the inventory's

    Raises:
        UsageError: a kubeconfig cannot be used, or one is given for several clusters
    """
    if given and len(clusters) > 1:
        names = ", ".join(cluster.name for cluster in clusters)
        raise UsageError(
            f"--kubeconfig is for a single cluster, got {names}; set `kubeconfig` for each cluster in the inventory"
        )
    found = {cluster.name: _credential(cluster, given) for cluster in clusters}
    return {name: credential for name, credential in found.items() if credential}


def _credential(cluster: Cluster, given: Path | None) -> Kubernetes | None:
    first = cluster.nodes[0]
    if path := given or (Path(first.kubeconfig) if first.kubeconfig else None):
        found = read_kubeconfig(path)
        if found.ca == "" and not first.apiserver_ca:
            raise UsageError(
                f"kubeconfig {path}: expected certificate-authority-data, or apiserver_ca in the inventory"
            )
        return found._replace(ca=found.ca or first.apiserver_ca)
    if first.lab and (path := kubeconfig_of(first.lab, cluster.name)):
        return read_own_kubeconfig(path, cluster.name)
    return None
