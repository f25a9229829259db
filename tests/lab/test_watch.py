"""The kernel remembers other routers, and no longer where nothing of ours is left."""

from rig.lab import BACKUPS, HOSTS, MASTER, Lab, on_all

FORGET = "nft delete table inet kube_ha_watch"
WATCHES = """
nft list tables | grep kube_ha_watch
awk '$4 == 1 && $5 == "01005e000012"' /proc/net/dev_mcast
find /etc/keepalived/kube-ha-watch.nft
true
"""


def test_deploy_has_the_kernel_watch_again_where_its_rules_were_flushed(deployed: Lab) -> None:
    before = on_all(deployed, WATCHES)
    deployed.run(MASTER, FORGET)
    deployed.run(BACKUPS[0], "ip maddress delete 01:00:5e:00:00:12 dev eth0")
    completed = deployed.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    changed = {name: host["changed"] for name, host in completed.report["hosts"].items()}
    assert changed == {MASTER: True, BACKUPS[0]: True, BACKUPS[1]: False}
    assert on_all(deployed, WATCHES) == before


def test_kernel_watches_no_more_where_the_inventory_says_so(deployed: Lab) -> None:
    deployed.set("keepalived.events", value=False)
    completed = deployed.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert on_all(deployed, WATCHES) == dict.fromkeys(HOSTS, "")
