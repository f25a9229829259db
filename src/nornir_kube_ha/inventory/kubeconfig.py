"""A kubeconfig of this machine: the credential that the probe client reads, writes and watches with."""

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
    """A kubeconfig's credential and CA. Files that it names are read, and its exec plugin is run.

    Its server, its proxy and its `tls-server-name` are not used: the client asks the cluster's own address. Source:
    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/

    Arguments:
        path: of the file
        context: one of its contexts; "" for the current one

    Returns:
        The credential; its `ca` is "" where the file names none, and none where it says that nothing is verified

    Raises:
        UsageError: it cannot be read, holds no credential that is known here, or the extra `kubernetes` is missing
    """
    try:
        from kubernetes.client import Configuration  # noqa: PLC0415 - half a second that only a test needs
        from kubernetes.config import load_kube_config  # noqa: PLC0415 - as above
    except ImportError:
        raise UsageError(f"the package `kubernetes`, which reads kubeconfigs, is not installed: {_EXTRA}") from None
    if not path.is_file():
        raise UsageError(f"kubeconfig {path}: no such file")
    configuration = Configuration()
    # Files of this user alone, and gone at once; what an exec plugin had to say, the package logs.
    with tempfile.TemporaryDirectory(prefix="kube-ha-") as folder, _logged() as said:
        try:
            load_kube_config(  # type: ignore[no-untyped-call]
                str(path), context or None, configuration, persist_config=False, temp_file_path=folder
            )
            ca, certificate, key = (
                Path(name).read_text(encoding="utf-8") if name else ""
                for name in (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
            )
        except Exception as error:  # noqa: BLE001 - whatever the package makes of somebody's file
            words = " ".join(str(error).split())
            raise UsageError(f"kubeconfig {path}: {type(error).__name__}: {words}") from None
    token = str(configuration.api_key.get("BearerToken", "")).removeprefix("Bearer ").strip()
    found = Kubernetes(ca if configuration.verify_ssl else None, token, certificate if key else "", key)
    if trouble := _trouble(found):
        raise UsageError(f"kubeconfig {path}: {'; '.join((trouble, *said))}")
    return found


def _trouble(found: Kubernetes) -> str:
    """Why a credential cannot be used, "" if it can."""
    if found.token.startswith("Basic "):
        return "username and password are no credential since Kubernetes 1.19"
    if not found.token.isprintable() or " " in found.token:
        return "its token is no single word"
    if "ENCRYPTED" in found.key:
        return "its client key is encrypted; expected one without a passphrase"
    if not found.token and not found.certificate:
        return "expected a token, a client certificate with its key or an exec plugin that gives one, found none"
    return ""


@contextmanager
def _logged() -> Iterator[list[str]]:
    """What is logged meanwhile, in the place of stderr."""
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
    """The credential of a lab's kubeconfig, which is ours: JSON with all that it needs in it.

    Arguments:
        path: of the file
        context: one of its contexts
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
