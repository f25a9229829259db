"""A real control plane of a lab: what its units read, and what its clients do."""

import json
import subprocess
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from nornir.core import Nornir

from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab import state
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.lab.control_plane import plane as control_plane
from nornir_kube_ha.lab.errors import LabRequestError
from nornir_kube_ha.lab.hosts import Host, describe
from nornir_kube_ha.lab.images.programs import Programs, ensure_programs, version_of
from nornir_kube_ha.lab.intent import has_real_plane, layouts_of, with_control_plane
from nornir_kube_ha.lab.layout import ControlPlane, LabHost, Layout

PLANE = ControlPlane("demo", "192.0.2.10:8443", "stacked", "v1.20.2")
HOSTS = tuple(LabHost(f"lb-{n}", "eth0", ip_interface(f"192.0.2.1{n}/24"), 6443, plane=PLANE) for n in (1, 2, 3))
LAYOUT = Layout("demo", HOSTS, (ip_interface("192.0.2.10/24"),))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> state.LabFiles:
    """The lab's own, with its CA."""
    monkeypatch.setattr(state, "LABS", tmp_path)
    files = state.LabFiles("demo")
    files.pki.mkdir(parents=True)
    pki.ensure_ca(files.pki)
    pki.ensure_service_account_key(files.pki)
    return files


def settings(folder: Path, name: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in (folder / name).read_text().splitlines())
    return {key: value for key, _, value in pairs}


@pytest.mark.parametrize(
    ("etcd", "asked"),
    [
        ("stacked", "https://127.0.0.1:2379"),
        ("listed", "https://192.0.2.11:2379,https://192.0.2.12:2379,https://192.0.2.13:2379"),
    ],
)
def test_members_know_each_other_and_apiservers_use_the_layout_s_etcd(
    files: state.LabFiles, tmp_path: Path, etcd: str, asked: str
) -> None:
    folder = tmp_path / "lb-2"
    folder.mkdir()
    control_plane.install(folder, LAYOUT, HOSTS[1], replace(PLANE, etcd=etcd))
    member = settings(folder, "etcd.environment")
    assert member["ETCD_NAME"] == "lb-2"
    assert member["ETCD_LISTEN_PEER_URLS"] == "https://192.0.2.12:2380"
    assert member["ETCD_INITIAL_CLUSTER"] == ",".join(f"lb-{n}=https://192.0.2.1{n}:2380" for n in (1, 2, 3))
    assert member["ETCD_CLIENT_CERT_AUTH"] == member["ETCD_PEER_CLIENT_CERT_AUTH"] == "true"
    flags = settings(folder, "environment")["FLAGS"].split()
    assert f"--etcd-servers={asked}" in flags
    assert {"--authorization-mode=Node,RBAC", "--service-account-key-file=/srv/kube-apiserver/sa.pub"} <= {*flags}
    assert b"BEGIN PUBLIC KEY" in (folder / "sa.pub").read_bytes()
    assert (folder / "sa.key").stat().st_mode & 0o777 == 0o600
    certificate = x509.load_pem_x509_certificate((folder / "etcd.crt").read_bytes())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    authority = x509.load_pem_x509_certificate(files.ca_certificate.read_bytes())
    certificate.verify_directly_issued_by(authority)


def test_kubeconfig_has_a_cluster_admin_and_uses_the_vip(files: state.LabFiles) -> None:
    control_plane.write_kubeconfig(LAYOUT)
    config = json.loads(files.kubeconfig.read_text())
    assert files.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert config["current-context"] == "demo"
    [cluster] = config["clusters"]
    assert cluster["cluster"]["server"] == "https://192.0.2.10:8443"
    [user] = config["users"]
    certificate = x509.load_pem_x509_certificate(b64decode(user["user"]["client-certificate-data"]))
    [group] = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert group.value == "system:masters"
    control_plane.write_kubeconfig(replace(LAYOUT, hosts=tuple(replace(host, plane=None) for host in HOSTS)))
    assert not files.kubeconfig.exists()


def test_host_that_joins_another_control_plane_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LABS", tmp_path)
    host = Host("demo", "lb-1")
    host.folder.mkdir(parents=True)
    (host.folder / "host.json").write_text(describe(HOSTS[0]))
    assert host.description == HOSTS[0]
    assert host.description != replace(HOSTS[0], plane=replace(PLANE, version="v1.32.3"))
    with pytest.raises(
        LabRequestError, match=r"expected a mode of a real kube-apiserver \(ok, error, hang, gone\), got 'slow 2'"
    ):
        host.set_apiserver("slow 2")


def test_inventory_or_command_line_says_which_it_is(nornir_of: Callable[..., Nornir]) -> None:
    intent = load_intent(nornir_of(group={"lab": "demo"}))
    assert not has_real_plane(intent)
    real = with_control_plane(intent, "real", "listed")
    assert has_real_plane(real)
    [layout] = layouts_of(real, "v1.20.2")
    planes = {host.plane for host in layout.hosts if host.apiserver_port}
    assert planes == {replace(PLANE, etcd="listed")}
    same = load_intent(nornir_of(group={"lab": "demo", "lab_control_plane": "real", "lab_etcd": "listed"}))
    assert layouts_of(same, "v1.20.2") == (layout,)
    assert not has_real_plane(with_control_plane(same, "stand-in", None))


def test_program_of_the_users_own_must_be_one(tmp_path: Path) -> None:
    program = tmp_path / "kube-apiserver"
    with pytest.raises(LabRequestError, match="expected a kube-apiserver that runs here"):
        version_of(program)
    program.write_text("#!/bin/sh\necho Kubernetes v1.32.3\n")
    program.chmod(0o755)
    assert version_of(program) == "v1.32.3"
    program.write_text("#!/bin/sh\necho hello\n")
    with pytest.raises(LabRequestError, match="got 'hello"):
        ensure_programs(program, lambda _: None)


def test_programs_are_given_once(tmp_path: Path) -> None:
    for name in ("kube-apiserver", "etcd", "etcdctl"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name}\n")
    for _ in range(2):
        control_plane.give_programs(tmp_path, Programs(tmp_path / "kube-apiserver", tmp_path, "v1.20.2"))
    said = subprocess.run([tmp_path / "programs/etcd"], capture_output=True, text=True, check=True).stdout
    assert said == "etcd\n"
