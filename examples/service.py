#!/usr/bin/env python3
"""A long-running service that verifies clusters on request, with FastAPI.

    python examples/service.py config.yaml 8000

    POST /clusters/NAME/verify     verify now and return the report; 503 unless all passes, 404 for an unknown cluster,
                                   409 while another request verifies it
    GET  /clusters/NAME            the last report
    GET  /clusters/NAME/metrics    the same, for Prometheus

`config.yaml` is a Nornir configuration file. FastAPI runs each handler in a thread. All threads share one Nornir, and
verify several clusters at once, but each cluster only once at a time.
"""

import sys
import threading
from collections import defaultdict

import uvicorn
from fastapi import FastAPI, HTTPException, Response
from nornir import InitNornir
from nornir.core import Nornir

from nornir_kube_ha import KubeHaError, Report, load_intent, verify
from nornir_kube_ha.report import to_json, to_prometheus


class Looks:
    """Verifies clusters, each only once at a time.

    Arguments:
        nornir: unfiltered

    Raises:
        InventoryError: the inventory is invalid
    """

    def __init__(self, nornir: Nornir) -> None:
        self._nornir = nornir
        self._hosts: dict[str, list[str]] = defaultdict(list)
        for node in load_intent(nornir).nodes:
            self._hosts[node.cluster].append(node.name)
        self._locks = {cluster: threading.Lock() for cluster in self._hosts}
        self._last: dict[str, Report] = {}

    def look(self, cluster: str) -> Report:
        """Verify a cluster and return the report.

        Raises:
            HTTPException: the cluster is unknown or being verified, or the run failed
        """
        if cluster not in self._locks:
            raise HTTPException(404, f"no cluster called {cluster}; known clusters: {', '.join(self._locks)}")
        if not self._locks[cluster].acquire(blocking=False):  # waiting would block one of the server's threads
            raise HTTPException(409, f"cluster {cluster} is being verified")
        try:
            report = self._last[cluster] = verify(self._nornir, hosts=self._hosts[cluster])
        except KubeHaError as error:
            raise HTTPException(500, str(error)) from error
        finally:
            self._locks[cluster].release()
        return report

    def last(self, cluster: str) -> Report:
        """Return the last report of a cluster.

        Raises:
            HTTPException: the cluster has not been verified yet
        """
        if cluster not in self._last:
            raise HTTPException(404, f"cluster {cluster} has not been verified yet")
        return self._last[cluster]


def create_app(nornir: Nornir) -> FastAPI:
    """Return the service for an inventory.

    Arguments:
        nornir: unfiltered
    """
    app, looks = FastAPI(title="kube-ha"), Looks(nornir)

    @app.post("/clusters/{cluster}/verify")
    def look(cluster: str) -> Response:
        return _answer(looks.look(cluster))

    @app.get("/clusters/{cluster}")
    def last(cluster: str) -> Response:
        return _answer(looks.last(cluster))

    @app.get("/clusters/{cluster}/metrics")
    def metrics(cluster: str) -> Response:
        return Response(to_prometheus(looks.last(cluster)), media_type="text/plain; version=0.0.4")

    return app


def _answer(report: Report) -> Response:
    return Response(to_json(report), status_code=200 if report.passed else 503, media_type="application/json")


if __name__ == "__main__":
    nornir = InitNornir(config_file=sys.argv[1], logging={"enabled": False})
    uvicorn.run(create_app(nornir), host="127.0.0.1", port=int(sys.argv[2]))
