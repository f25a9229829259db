"""The VIP as a client on the controller sees it. Logs in to no host."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import MappingProxyType

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.facts import Endpoint, Probe
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.failover.probe.tls import context_for, credential_context
from nornir_kube_ha.intent import Apiserver, Cluster, Node
from nornir_kube_ha.ssh.login import refuse_outside_lab

TIMEOUT = 3  # seconds for each socket operation; the nodes' own probes allow about as much
DEADLINE = 6  # seconds for a whole request
LONGEST_BODY = 65536  # bytes; an apiserver's /version has a few hundred


def get_endpoint(cluster: Cluster, credential: Kubernetes | None = None) -> Endpoint:
    """Request `/readyz` at each of a cluster's VIPs and `/version` at the first, from the controller.

    Arguments:
        cluster: whose VIPs are asked
        credential: for asking each apiserver directly for its health; None asks none

    Raises:
        HostUnreachableError: the cluster is in a lab, and this thread is not in the lab's network; nothing was sent
    """
    node = cluster.nodes[0]
    refuse_outside_lab(node.name, node.lab)
    try:
        context = context_for(node.apiserver_ca)
    except ssl.SSLError as error:  # it has a certificate's header, which is all that the inventory checks
        refused = Probe(0, f"cannot parse apiserver_ca: {error}")
        return Endpoint(refused, refused)
    port = node.haproxy.port
    readyz, version = (_probe(node, node.vip.ip, port, path, context) for path in ("/readyz", "/version"))
    others = {str(vip.ip): _probe(node, vip.ip, port, "/readyz", context) for vip in node.other_vips}
    return Endpoint(readyz, version, others, _apiservers(cluster, credential) if credential else {})


def _apiservers(cluster: Cluster, credential: Kubernetes) -> dict[str, tuple[Probe, Probe]]:
    """Return what each apiserver answers to `/readyz?verbose` and `/livez`, without a load balancer."""
    node, token = cluster.nodes[0], credential.token
    try:
        context = credential_context(credential)
    except (OSError, ValueError) as error:
        refused = Probe(0, f"cannot parse the kubeconfig's certificates: {error}")
        return {apiserver.name: (refused, refused) for apiserver in cluster.apiservers}
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def probe(apiserver: Apiserver, path: str) -> Probe:
        return _probe(node, apiserver.address, apiserver.port, path, context, headers)

    with ThreadPoolExecutor(len(cluster.apiservers)) as pool:  # an unreachable apiserver takes seconds
        found = pool.map(lambda each: (probe(each, "/readyz?verbose"), probe(each, "/livez")), cluster.apiservers)
        return {each.name: probes for each, probes in zip(cluster.apiservers, found, strict=True)}


def _probe(  # noqa: PLR0917 - what a request consists of
    node: Node,
    address: IPAddress,
    port: int,
    path: str,
    context: ssl.SSLContext,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Probe:
    """Send one request to an address, under the name that clients use, whatever that name resolves to."""
    connection = http.client.HTTPConnection(node.server_name, port)
    try:
        node.server_name.encode("idna")  # TLS would raise it only once connected, and leak the connection
        raw = socket.create_connection((str(address), port), timeout=TIMEOUT)
        with context.wrap_socket(raw, server_hostname=node.server_name, do_handshake_on_connect=False) as wrapped:
            connection.sock = wrapped
            return _ask(connection, wrapped, path, headers)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return Probe(0, str(error) or type(error).__name__)
    finally:
        connection.close()


def _ask(
    connection: http.client.HTTPConnection, wrapped: ssl.SSLSocket, path: str, headers: Mapping[str, str]
) -> Probe:
    """Send a request and read the answer. `DEADLINE` limits the whole, against a server that answers byte by byte."""
    cut = threading.Event()
    over = threading.Timer(DEADLINE, _cut, [wrapped, cut])
    over.start()
    try:
        wrapped.do_handshake()
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        body = response.read(LONGEST_BODY)
        if response.length and len(body) < LONGEST_BODY:  # the body was cut short
            raise http.client.IncompleteRead(body, response.length)
        return Probe(response.status, "", body.decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        if cut.is_set():  # what reading then raises depends on OpenSSL's and Python's versions
            raise TimeoutError(f"no whole answer within {DEADLINE:g} s") from error
        raise
    finally:
        over.cancel()


def _cut(wrapped: ssl.SSLSocket, cut: threading.Event) -> None:
    cut.set()
    with suppress(OSError):  # it has just ended by itself
        wrapped.shutdown(socket.SHUT_RDWR)
