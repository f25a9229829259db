"""What the controller itself sees at the VIPs of clusters."""

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Self

from nornir_kube_ha.checks import NEED_CREDENTIAL
from nornir_kube_ha.facts import Endpoint
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.tasks import get_endpoint

FROM_CONTROLLER = "vip.from_controller"  # the check of what the controller itself sees


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Answers from VIPs, asked for in the background: a VIP that does not answer takes seconds.

    Arguments:
        asked: the future answer, by the cluster's name
        threads: that ask, as daemons
    """

    asked: Mapping[str, Future[Endpoint]] = field(default_factory=dict)
    threads: tuple[threading.Thread, ...] = ()

    @classmethod
    def of(cls, clusters: Collection[Cluster], credentials: Mapping[str, Kubernetes], checks: Collection[str]) -> Self:
        """Begin to ask for the VIPs of clusters, where a check needs the answer.

        Arguments:
            clusters: whose VIPs to ask for
            credentials: by the cluster's name: for asking its apiservers for their health
            checks: ids of the checks to make
        """
        clusters = [each for each in clusters if _is_needed(each, each.name in credentials, checks)]
        asked = {cluster.name: Future[Endpoint]() for cluster in clusters}
        threads = tuple(
            threading.Thread(
                target=_ask, args=(asked[cluster.name], cluster, credentials.get(cluster.name)), daemon=True
            )
            for cluster in clusters
        )
        for thread in threads:
            thread.start()
        return cls(asked, threads)

    def answered(self) -> "Endpoints":
        """Return those whose answer is there."""
        return Endpoints({name: each for name, each in self.asked.items() if each.done() and not each.exception()})

    def close(self) -> None:
        """Wait for the threads if they have ended, or are about to."""
        if all(each.done() for each in self.asked.values()):
            for thread in self.threads:
                thread.join()


def _is_needed(cluster: Cluster, has_credential: bool, checks: Collection[str]) -> bool:
    needing = {FROM_CONTROLLER, *(NEED_CREDENTIAL if has_credential else ())}
    return cluster.nodes[0].verify.from_controller and not needing.isdisjoint(checks)


def _ask(asked: Future[Endpoint], cluster: Cluster, credential: Kubernetes | None) -> None:
    try:
        asked.set_result(get_endpoint(cluster, credential))
    except BaseException as error:  # noqa: BLE001 - the reader of the answer raises it
        asked.set_exception(error)
