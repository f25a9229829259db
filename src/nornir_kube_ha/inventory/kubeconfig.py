"""Reads the credential for the Kubernetes API from a kubeconfig on the controller."""

import base64
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.failover.probe.settings import Kubernetes

_EXTRA = "pip install 'nornir-kube-ha[kubernetes]'"


def read_kubeconfig(path: Path, context: str = "") -> Kubernetes:
    """Return a kubeconfig's credential and CA. Reads the files that it names, and runs its exec plugin.

    Server, proxy and `tls-server-name` are ignored, since the client connects to the cluster's own address. Source:
    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/

    Arguments:
        path: the kubeconfig
        context: name of a context; "" selects the current one

    Returns:
        The credential; `ca` is "" if the file has no CA, None with `insecure-skip-tls-verify`

    Raises:
        UsageError: the file cannot be read or has no supported credential, or the extra `kubernetes` is not installed
    """
    try:
        from kubernetes.client import Configuration  # noqa: PLC0415 - takes half a second, and is rarely needed
        from kubernetes.config import load_kube_config  # noqa: PLC0415 - as above
    except ImportError:
        raise UsageError(
            f"reading a kubeconfig needs the package `kubernetes`, which is not installed: {_EXTRA}"
        ) from None
    if not path.is_file():
        raise UsageError(f"kubeconfig {path}: no such file")
    configuration = Configuration()
    # The package decodes inline data into files: a private folder, deleted at once. It logs an exec plugin's stderr.
    with tempfile.TemporaryDirectory(prefix="kube-ha-") as folder, _logged() as said:
        try:
            load_kube_config(  # type: ignore[no-untyped-call]
                str(path), context or None, configuration, persist_config=False, temp_file_path=folder
            )
            ca, certificate, key = (
                Path(name).read_text(encoding="utf-8") if name else ""
                for name in (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
            )
        except Exception as error:  # noqa: BLE001 - the package raises many types for a malformed file
            words = " ".join(str(error).split())
            raise UsageError(f"kubeconfig {path}: {type(error).__name__}: {words}") from None
    token = str(configuration.api_key.get("BearerToken", "")).removeprefix("Bearer ").strip()
    found = Kubernetes(ca if configuration.verify_ssl else None, token, certificate if key else "", key)
    if trouble := _trouble(found):
        raise UsageError(f"kubeconfig {path}: {'; '.join((trouble, *said))}")
    return found


def _trouble(found: Kubernetes) -> str:
    """Return why a credential cannot be used; "" if it can."""
    if found.token.startswith("Basic "):
        return "username and password are not supported since Kubernetes 1.19"
    if not found.token.isprintable() or " " in found.token:
        return "its token must be a single word"
    if "ENCRYPTED" in found.key:
        return "its client key is encrypted; expected one without a passphrase"
    if not found.token and not found.certificate:
        return "expected a token, a client certificate with its key, or an exec plugin that provides one; found none"
    return ""


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Yield a list that collects log messages, which then do not reach stderr."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    before, root.handlers = root.handlers, [handler]
    try:
        yield said
    finally:
        root.handlers = before


def read_own_kubeconfig(path: Path, context: str) -> Kubernetes:
    """Return the credential of a lab's kubeconfig, which kube-ha wrote as JSON with all data inline.

    Arguments:
        path: the kubeconfig
        context: name of a context
    """
    tree = json.loads(path.read_text(encoding="utf-8"))
    [cluster] = (each["cluster"] for each in tree["clusters"] if each["name"] == context)
    user = tree["users"][0]["user"]
    ca, certificate, key = (
        base64.b64decode(data).decode()
        for data in (
            cluster["certificate-authority-data"],
            user["client-certificate-data"],
            user["client-key-data"],
        )
    )
    return Kubernetes(ca, "", certificate, key)
