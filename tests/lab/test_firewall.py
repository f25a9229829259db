"""Hosts with firewalls that stop all but SSH and their own apiserver: what is needed is opened, and closed again."""

import pytest
from rig.lab import Lab, on_all

INSTALL = "export DEBIAN_FRONTEND=noninteractive; apt-get install -y -q {} >/dev/null 2>&1"
CLOSE = {
    "lb-1": INSTALL.format("ufw") + "; ufw allow 22/tcp; ufw allow 6443/tcp; ufw --force enable",
    "lb-2": INSTALL.format("firewalld")
    + "; for when in '' --permanent; do firewall-cmd $when --add-port 6443/tcp || exit; done",
    "lb-3": INSTALL.format("nftables")
    + """
cat >/etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
flush ruleset
include "/etc/nftables.d/*.nft"
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iif lo accept
        icmp type echo-request accept
        tcp dport { 22, 6443 } accept
        reject with icmpx admin-prohibited
    }
    chain output {
        type filter hook output priority filter; policy drop;
        meta l4proto { tcp, icmp } accept
    }
}
END
mkdir -p /etc/nftables.d
truncate -s -1 /etc/nftables.conf # no newline at its end, which nft does without
systemctl enable --now --quiet nftables""",
}
RULES = {
    "lb-1": "ufw show added",
    "lb-2": "firewall-cmd --list-all; firewall-cmd --permanent --list-all; cat /etc/firewalld/zones/public.xml",
    "lb-3": r"sed '$a\' /etc/nftables.conf; nft list ruleset; ls -d /etc/nftables* /etc/kube-ha 2>&1 || true",
}
AGAIN = {"lb-1": "ufw reload", "lb-2": "firewall-cmd --reload", "lb-3": "systemctl restart nftables"}
EARLY = "nft 'table inet early { chain in { type filter hook prerouting priority 0; ip protocol 112 drop; }; }'"


def each(lab: Lab, commands: dict[str, str]) -> dict[str, str]:
    return {host: lab.run(host, command) for host, command in commands.items()}


@pytest.fixture
def closed(fresh: Lab) -> Lab:
    """Hosts that let nobody in yet, each with another firewall."""
    each(fresh, CLOSE)
    return fresh


def test_what_is_needed_is_opened_kept_and_closed_again(closed: Lab) -> None:
    before = each(closed, RULES)
    closed.run("lb-3", EARLY)
    refused = closed.deploy("--output", "json")
    assert refused.status == 1
    assert "VRRP from lb-1: rule" in refused.report["hosts"]["lb-3"]["error"]["message"]
    closed.run("lb-3", "nft delete table inet early")
    assert each(closed, RULES) == before

    deployed = closed.deploy("--output", "json", "--diff")
    deployed.must_be_green()
    opened = each(closed, RULES)
    assert "allow from 192.0.2.13 proto vrrp comment 'kube-ha'" in opened["lb-1"]
    assert opened["lb-2"].count('source address="192.0.2.13" protocol value="vrrp" accept') == 2
    assert 'accept comment "kube-ha: ip saddr 192.0.2.12 ip protocol 112 accept"' in opened["lb-3"]
    assert not closed.deploy("--output", "json").report["changed"]

    each(closed, AGAIN)  # as a boot does: what is not kept is gone
    closed.await_green()  # haproxy's peers may need some seconds to find each other again

    closed.set("haproxy.stats.port", 10081)
    moved = closed.deploy("--output", "json")
    moved.must_be_green()
    assert {host: ("10080" in rules, "10081" in rules) for host, rules in each(closed, RULES).items()} == dict.fromkeys(
        CLOSE, (False, True)
    )

    assert closed.runbook("remove", "--yes").status == 0
    assert each(closed, RULES) == before
    assert closed.run("lb-3", "tail -c 1 /etc/nftables.conf") == "\n"  # the one thing that stays of us
    assert not any("kube-ha" in left for left in on_all(closed, "grep -rsl kube-ha /etc || true").values())
