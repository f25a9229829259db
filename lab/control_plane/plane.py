"""A real control plane on a lab's hosts: etcd, kube-apiserver and kube-controller-manager, each a unit of systemd."""

import base64
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path

from nornir_kube_ha.addresses import IPAddress, with_port
from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.lab.images.programs import Programs
from nornir_kube_ha.lab.layout import ControlPlane, LabHost, Layout
from nornir_kube_ha.lab.state import LabFiles

CLIENTS, PEERS = 2379, 2380  # etcd's ports
FOLDER = "/srv/kube-apiserver"  # on a host
PROGRAMS = ("etcd", "etcdctl")
ADMIN, MANAGER = "admin", "controller-manager"  # names of the certificates that the apiservers' clients have
SERVICES = {4: "198.18.0.0/16", 6: "2001:2::/108"}  # for benchmarks (RFC 2544, RFC 5180), in no lab


def members(layout: Layout, plane: ControlPlane) -> tuple[LabHost, ...]:
    """Return the hosts of a control plane."""
    return tuple(host for host in layout.hosts if host.plane and host.plane.cluster == plane.cluster)


def give_programs(folder: Path, programs: Programs) -> None:
    """Put a member's programs into its folder, which the host sees as /srv/kubernetes.

    Arguments:
        folder: the host's own
        programs: the control plane's programs
    """
    target = folder / "programs"
    target.mkdir(exist_ok=True)
    sources = {"kube-apiserver": programs.kube_apiserver, **{name: programs.tools / name for name in PROGRAMS}}
    if programs.kube_controller_manager.exists():
        sources["kube-controller-manager"] = programs.kube_controller_manager
    for name, source in sources.items():
        if not (target / name).exists():
            _link_or_copy(source, target / name)


def _link_or_copy(source: Path, target: Path) -> None:
    """Link a file, or copy it if the user's own is on another disk."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy2(source, target)
    target.chmod(0o755)


def install(folder: Path, layout: Layout, host: LabHost, plane: ControlPlane) -> None:
    """Write the files that a member's units read.

    Arguments:
        folder: the host's /srv/kube-apiserver; `Host.give_certificate` puts the apiserver's certificate there
        layout: the lab
        host: the member
        plane: the member's control plane
    """
    authority = LabFiles(layout.name).pki
    for name in ("ca.crt", "sa.key", "sa.pub"):
        write_file(folder / name, (authority / name).read_bytes(), 0o600)
    pki.ensure_etcd_certificate(authority, folder, host.address.ip)
    others = members(layout, plane)
    write_file(folder / "etcd.environment", _environment(_etcd_settings(host, others)))
    write_file(folder / "environment", f"FLAGS={' '.join(_flags(host, others, plane))}\n")
    pki.ensure_client_certificate(authority, MANAGER, "system:kube-controller-manager")
    own = {plane.cluster: with_port(host.address.ip, host.apiserver_port or 0)}
    write_file(folder / f"{MANAGER}.conf", _kubeconfig(authority, own, MANAGER), 0o600)


def _etcd_settings(host: LabHost, others: Iterable[LabHost]) -> dict[str, str]:
    address = host.address.ip
    return {
        "NAME": host.name,
        "DATA_DIR": "/var/lib/etcd",
        "LISTEN_PEER_URLS": _url(address, PEERS),
        "INITIAL_ADVERTISE_PEER_URLS": _url(address, PEERS),
        "LISTEN_CLIENT_URLS": f"{_url(address, CLIENTS)},{_url(ip_address('127.0.0.1'), CLIENTS)}",
        "ADVERTISE_CLIENT_URLS": _url(address, CLIENTS),
        "INITIAL_CLUSTER": ",".join(f"{each.name}={_url(each.address.ip, PEERS)}" for each in others),
        "CLIENT_CERT_AUTH": "true",
        "PEER_CLIENT_CERT_AUTH": "true",
        **{
            f"{side}{name}": f"{FOLDER}/{file}"
            for side in ("", "PEER_")
            for name, file in (("CERT_FILE", "etcd.crt"), ("KEY_FILE", "etcd.key"), ("TRUSTED_CA_FILE", "ca.crt"))
        },
        "LOGGER": "zap",
        # The default from etcd 3.5 on: a member that returns must not unseat a working leader.
        "PRE_VOTE": "true",
    }


def _environment(settings: dict[str, str]) -> str:
    return "".join(f"ETCD_{name}={value}\n" for name, value in settings.items())


def _flags(host: LabHost, others: Iterable[LabHost], plane: ControlPlane) -> list[str]:
    asked = [ip_address("127.0.0.1")] if plane.etcd == "stacked" else [each.address.ip for each in others]
    return [
        f"--advertise-address={host.address.ip}",
        f"--secure-port={host.apiserver_port}",
        f"--etcd-servers={','.join(_url(address, CLIENTS) for address in asked)}",
        f"--etcd-cafile={FOLDER}/ca.crt",
        f"--etcd-certfile={FOLDER}/etcd.crt",
        f"--etcd-keyfile={FOLDER}/etcd.key",
        f"--client-ca-file={FOLDER}/ca.crt",
        f"--tls-cert-file={FOLDER}/apiserver.crt",
        f"--tls-private-key-file={FOLDER}/apiserver.key",
        f"--service-account-issuer=https://{plane.endpoint}",
        f"--service-account-key-file={FOLDER}/sa.pub",
        f"--service-account-signing-key-file={FOLDER}/sa.key",
        f"--service-cluster-ip-range={SERVICES[host.address.version]}",
        "--authorization-mode=Node,RBAC",
    ]


def _url(address: IPAddress, port: int) -> str:
    return f"https://{with_port(address, port)}"


def write_kubeconfig(layout: Layout) -> None:
    """Write the lab's kubeconfig, or remove it if the lab has no real control plane.

    It has a context for each control plane, all with one client that may do everything.
    """
    planes = {host.plane.cluster: host.plane for host in layout.hosts if host.plane}
    files = LabFiles(layout.name)
    if not planes:
        files.kubeconfig.unlink(missing_ok=True)
        return
    pki.ensure_client_certificate(files.pki, ADMIN, "kubernetes-admin", "system:masters")
    endpoints = {name: plane.endpoint for name, plane in planes.items()}
    write_file(files.kubeconfig, _kubeconfig(files.pki, endpoints, ADMIN), 0o600)


def _kubeconfig(authority: Path, endpoints: Mapping[str, str], client: str) -> str:
    """Return a kubeconfig with a context for each control plane, as JSON, which is valid YAML."""

    def data(name: str) -> str:
        return base64.b64encode((authority / name).read_bytes()).decode()

    user = {"client-certificate-data": data(f"{client}.crt"), "client-key-data": data(f"{client}.key")}
    ca = data("ca.crt")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{endpoint}", "certificate-authority-data": ca}}
            for name, endpoint in endpoints.items()
        ],
        "users": [{"name": client, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": client}} for name in endpoints],
        "current-context": next(iter(endpoints)),
    }
    return json.dumps(config, indent=2) + "\n"
