"""Nodes that go and come: one that the inventory forgot, and one that runs something of somebody else's."""

from pathlib import Path

import pytest
from rig.breaking import holders_of
from rig.lab import BACKUPS, Lab

NODE = BACKUPS[-1]
FOREIGN = r"""
printf 'defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n' >/etc/haproxy/haproxy.cfg
printf 'frontend web\n bind *:80\n default_backend b\nbackend b\n server s 127.0.0.1:9\n' >>/etc/haproxy/haproxy.cfg
printf 'vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n priority 100\n' >/etc/keepalived/keepalived.conf
printf ' virtual_ipaddress {\n  192.0.2.77/24\n }\n}\n' >>/etc/keepalived/keepalived.conf
systemctl enable --quiet haproxy keepalived && systemctl restart haproxy keepalived
"""
NOTHING = """
systemctl disable --quiet --now haproxy keepalived
rm -f /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf
"""
RUNS = "systemctl is-active haproxy keepalived; systemctl is-enabled haproxy keepalived; ss -Hltn 'sport = :80' | wc -l"


def message_of(lab: Lab, host: str, *options: str) -> str:
    completed = lab.deploy("--output", "json", *options)
    assert (completed.status, completed.report["changed"]) == (1, False), completed.stdout
    message: str = completed.report["hosts"][host]["error"]["message"]
    return message


@pytest.mark.field_report("C4")
def test_former_node_is_removed_and_another_cluster_s_node_comes_and_goes(deployed: Lab, tmp_path: Path) -> None:
    deployed.bring_vip_home()
    fewer = deployed.copy_without(NODE, tmp_path / "fewer")
    with holders_of(deployed) as seen:
        for options in (("--dry-run",), ()):
            refused = message_of(fewer, "lb-1", *options)
            assert (
                "192.0.2.13 is a peer in keepalived.conf of lb-1, lb-2 and no longer a node of cluster demo" in refused
            )
            assert "kube-ha remove --host 192.0.2.13" in refused
        removed = fewer.runbook("remove", "--host", "192.0.2.13", "--yes")
        assert removed.status == 0, removed.stdout + removed.stderr
        assert fewer.deploy().status == 0  # the machine is there, and takes no VRRP any more
        deployed.run(NODE, FOREIGN)
        refused = message_of(deployed, NODE)
        assert "frontend web (*:80)" in refused
        assert "VIP 192.0.2.77/24 (vrrp_instance VI_1, VRID 51)" in refused
        replaced = deployed.deploy("--replace-foreign-files")
        assert replaced.status == 0, replaced.stdout + replaced.stderr
        assert [line for line in replaced.stderr.splitlines() if line.startswith("changing")][-1] == f"changing {NODE}"
    assert all(len(each) == 1 for each in seen), seen
    assert deployed.runbook("remove", "--limit", NODE, "--yes").status == 0
    assert deployed.run(NODE, RUNS).split() == ["active", "active", "enabled", "enabled", "1"]
    deployed.run(NODE, NOTHING)
