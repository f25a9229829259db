"""The two inventories that come with the product."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from rig.lab import ROOT
from ruamel.yaml import YAML

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.inventory.load import load_intent

INVENTORY = ROOT / "inventory"


@pytest.fixture(scope="module")
def ca() -> str:
    """A CA certificate, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def test_default_inventory_is_a_lab(tmp_path: Path, ca: str) -> None:
    shutil.copytree(INVENTORY, tmp_path / "inventory")
    groups = tmp_path / "inventory" / "groups.yaml"
    data = YAML(typ="safe").load(groups)
    (tmp_path / "inventory" / "ca.crt").write_text(ca)
    groups.write_text(groups.read_text().replace(data["lab"]["data"]["apiserver_ca"], "ca.crt"))
    intent = load_intent(open_inventory(tmp_path / "inventory"))
    assert [(node.name, node.role, node.lab) for node in intent.nodes] == [
        ("lb-1", "master", "demo"),
        ("lb-2", "backup", "demo"),
        ("lb-3", "backup", "demo"),
    ]
    assert {node.apiserver_ca for node in intent.nodes} == {ca}
    assert intent.clusters[0].vip.ip.exploded.startswith("192.0.2.")  # of RFC 5737: nobody's


def test_example_can_log_in_with_an_agent() -> None:
    nornir = open_inventory(INVENTORY / "example")
    for host in nornir.inventory.hosts.values():  # netmiko judges the settings here, and opens nothing yet
        assert host.get_connection("netmiko", nornir.config).allow_agent


def test_example_is_the_guides_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBE_HA_STATS_PASSWORD", "correct-horse-battery")
    intent = load_intent(open_inventory(INVENTORY / "example"))
    assert [(node.keepalived.router_id, str(node.address), node.role) for node in intent.nodes] == [
        ("lb-master-105", "172.27.129.105", "master"),
        ("lb-backup-111", "172.27.129.111", "backup"),
        ("lb-backup-112", "172.27.129.112", "backup"),
    ]
    assert [str(apiserver) for apiserver in intent.clusters[0].apiservers] == [
        "172.27.129.105:6443",
        "172.27.129.111:6443",
        "172.27.129.112:6443",
    ]
    node = intent.nodes[0]
    assert (node.virtual_router_id, node.interface, node.haproxy.port, node.haproxy.stats.port) == (
        68,
        "eth0",
        8443,
        10080,
    )
    assert node.lab is None  # a user's own hosts are never taken for a lab's


def test_example_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBE_HA_STATS_PASSWORD", raising=False)
    with pytest.raises(ValueError, match="KUBE_HA_STATS_PASSWORD is not set"):
        load_intent(open_inventory(INVENTORY / "example"))


@pytest.mark.parametrize("folder", [INVENTORY, INVENTORY / "example"])
def test_a_host_key_is_checked(folder: Path) -> None:
    for host in open_inventory(folder).inventory.hosts.values():
        assert (host.get_connection_parameters("netmiko").extras or {}).get("ssh_strict") is True
