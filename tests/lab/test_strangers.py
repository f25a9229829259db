"""The kernel remembers other routers, and no longer where nothing of ours is left."""

from tests.lab.rig import BACKUPS, HOSTS, MASTER, Lab, on_all
from tests.lab.strangers import names_it, notice, speaking

FORGET = "nft delete table inet kube_ha_watch"
WATCHES = """
nft list tables | grep kube_ha_watch
awk '$4 == 1 && $5 == "01005e000012"' /proc/net/dev_mcast
find /etc/keepalived/kube-ha-watch.nft
true
"""


def test_router_that_adverts_every_three_seconds_is_always_noticed(deployed: Lab) -> None:
    deployed.set("haproxy.balance", "source")
    with speaking(deployed):
        assert notice(deployed, 3).always
        on_all(deployed, FORGET)
        deployed.set("verify.listen", 3.6)
        assert names_it(deployed)


def test_deploy_has_the_kernel_watch_again_where_its_rules_were_flushed(deployed: Lab) -> None:
    before = on_all(deployed, WATCHES)
    deployed.run(MASTER, FORGET)
    deployed.run(BACKUPS[0], "ip maddress delete 01:00:5e:00:00:12 dev eth0")
    completed = deployed.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    diffs = {name: host["diff"] for name, host in completed.report["hosts"].items()}
    assert diffs == {MASTER: "+ watch", BACKUPS[0]: "+ watch", BACKUPS[1]: ""}
    assert on_all(deployed, WATCHES) == before


def test_kernel_watches_no_more_where_the_inventory_says_so(deployed: Lab) -> None:
    deployed.set("keepalived.events", value=False)
    completed = deployed.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert on_all(deployed, WATCHES) == dict.fromkeys(HOSTS, "")
