"""An apiserver taken out of the load balancers for a while."""

import time

from rig.lab import HOSTS, MASTER, Lab, on_all

SHOWN = "echo 'show stat' | socat -t 2 - UNIX-CONNECT:/run/haproxy-admin.sock"
STATUS = f"{SHOWN} | grep '^kube-apiserver[^,]*,lb-2,' | cut -d , -f 18 | sort -u"  # of the last resort, too
LEFT = "ls /run/kube-ha-drained; systemctl list-units --all --plain --no-legend 'kube-ha-ready-*'"


def statuses(lab: Lab) -> set[str]:
    return {each.strip() for each in on_all(lab, STATUS).values()}


def test_drained_apiserver_is_out_everywhere_also_after_a_reload_until_it_is_ready(deployed: Lab) -> None:
    inventory = ("-i", str(deployed.inventory))
    drained = deployed.kube_ha("drain", "lb-2", "--for", "10m", *inventory)
    assert (drained.status, drained.stdout) == (
        0,
        "lb-2 is drained on lb-1, lb-2, lb-3; the drain ends by itself in 600 s\n",
    )
    assert statuses(deployed) == {"DRAIN"}
    verified = deployed.runbook("verify", "--output", "json")
    assert verified.red_checks() == {host: ["haproxy.apiservers_up"] for host in HOSTS}
    assert "lb-2 DRAIN" in verified.stdout

    deployed.set("haproxy.balance", "roundrobin")
    deployed.deploy()
    assert statuses(deployed) == {"DRAIN"}

    ready = deployed.kube_ha("ready", "lb-2", *inventory)
    assert (ready.status, ready.stdout) == (0, "lb-2 is ready on lb-1, lb-2, lb-3\n")
    assert statuses(deployed) == {"UP"}
    assert not any(on_all(deployed, LEFT).values())


def test_drain_ends_by_itself(deployed: Lab) -> None:
    assert deployed.kube_ha("drain", "lb-2", "--for", "2s", "-i", str(deployed.inventory)).status == 0
    deadline = time.monotonic() + 20
    while statuses(deployed) != {"UP"}:
        assert time.monotonic() < deadline, statuses(deployed)
        time.sleep(0.5)
    assert not any(on_all(deployed, LEFT).values())


def test_last_apiserver_is_not_drained(deployed: Lab) -> None:
    inventory = ("-i", str(deployed.inventory))
    unknown = deployed.kube_ha("drain", "lb-9", *inventory)
    assert (unknown.status, "known apiservers: lb-1, lb-2, lb-3" in unknown.stderr) == (2, True)
    for name in ("lb-2", "lb-3"):
        assert deployed.kube_ha("drain", name, *inventory).status == 0
    try:
        refused = deployed.kube_ha("drain", MASTER, *inventory)
    finally:
        for name in ("lb-2", "lb-3"):
            assert deployed.kube_ha("ready", name, *inventory).status == 0
    assert refused.status == 1
    assert "would have no apiserver left: lb-1 is the only one up there; nothing was changed" in refused.stderr
