"""A kubeconfig of this machine: the credential that the probe client reads, writes and watches with."""

import tempfile
from pathlib import Path

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.probe.settings import Kubernetes

_EXTRA = "pip install 'nornir-kube-ha[kubernetes]'"


def read_kubeconfig(path: Path, context: str = "") -> Kubernetes:
    """A kubeconfig's credential and CA. Files that it names are read, and its exec plugin is run.

    Its server is not used: the client asks the cluster's own address. Source:
    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/

    Arguments:
        path: of the file
        context: one of its contexts; "" for the current one

    Raises:
        UsageError: it cannot be read, holds no credential that is known here, or the extra `kubernetes` is missing
    """
    try:
        from kubernetes.client import Configuration  # noqa: PLC0415 - half a second that only a test needs
        from kubernetes.config import load_kube_config  # noqa: PLC0415 - as above
    except ImportError:
        raise UsageError(f"a kubeconfig is read by the package kubernetes, which is not here: {_EXTRA}") from None
    if not path.is_file():
        raise UsageError(f"kubeconfig {path}: no such file")
    configuration = Configuration()
    with tempfile.TemporaryDirectory(prefix="kube-ha-") as folder:  # of this user alone, and gone at once
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
    token = str(configuration.api_key.get("BearerToken", "")).removeprefix("Bearer ")
    if not token and not (certificate and key):
        raise UsageError(f"kubeconfig {path}: expected a token, a client certificate or an exec plugin, found neither")
    if configuration.verify_ssl and not ca:
        raise UsageError(f"kubeconfig {path}: expected certificate-authority or certificate-authority-data")
    return Kubernetes(ca if configuration.verify_ssl else None, token, certificate, key)
