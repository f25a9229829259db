"""The VIP as a client on the controller sees it. No host is logged in to."""

import http.client
import ssl

from nornir_kube_ha.facts import Endpoint, Probe
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.tasks.remote import refuse_outside_lab

TIMEOUT = 3  # seconds, as the nodes' own probes
LONGEST_BODY = 65536  # bytes; an apiserver's version has a few hundred


def get_endpoint(cluster: Cluster) -> Endpoint:
    """Ask for `/readyz` and `/version` at a cluster's VIP, from here.

    Arguments:
        cluster: what should be

    Raises:
        HostUnreachableError: the cluster lives in a lab, and this thread does not work there; nothing was sent
    """
    node = cluster.nodes[0]
    refuse_outside_lab(node.name, node.lab)
    try:
        context = _context(node.apiserver_ca)
    except ssl.SSLError as error:  # the inventory's file begins as a certificate does, and is none
        refused = Probe(0, f"apiserver_ca cannot be read: {error}")
        return Endpoint(refused, refused)
    return Endpoint(*(_probe(node.endpoint, path, context) for path in ("/readyz", "/version")))


def _context(ca: str | None) -> ssl.SSLContext:
    # Python takes ASCII only; what a file says around its certificates may be anything.
    context = ssl.create_default_context(cadata=ca and ca.encode("ascii", "ignore").decode())
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _probe(endpoint: str, path: str, context: ssl.SSLContext) -> Probe:
    connection = http.client.HTTPSConnection(endpoint, timeout=TIMEOUT, context=context)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Probe(response.status, "", response.read(LONGEST_BODY).decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        return Probe(0, str(error) or type(error).__name__)
    finally:
        connection.close()
