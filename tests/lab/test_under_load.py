"""What changes cost a client that works meanwhile: fifty new connections a second, and twenty that last."""

import re
from pathlib import Path

from rig.killing import go_to
from rig.lab import VIP, Lab, on_all
from rig.load import load_on

APISERVERS = [{"name": "lb-1", "address": "192.0.2.11"}, {"name": "lb-2", "address": "192.0.2.12"}]
# A package source with both daemons of a later version, made of those that the host has.
NEWER = """
set -e
mkdir -p /srv/newer && cd /srv/newer
for name in haproxy keepalived; do
    dpkg-deb --raw-extract /srv/pool/${name}_*.deb $name
    sed -i 's/^Version: .*/&+newer/' $name/DEBIAN/control
    dpkg-deb -Znone --build $name $name.deb
    cat $name/DEBIAN/control
    printf 'Filename: ./%s.deb\\nSize: %s\\n' $name $(stat -c %s $name.deb)
    printf 'SHA256: %s\\n\\n' $(sha256sum <$name.deb | cut -d ' ' -f 1)
done | grep -v '^dpkg-deb: ' >Packages
echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list.d/newer.list
"""
PLANNED_MOVE = 0.15  # seconds that a planned move of the VIP may cost
MARGIN = 0.2  # seconds beside those of VRRP: until the daemons have read their files, and a client has tried again
HOLDS = f"ip -4 -oneline address show to {VIP}"
VERSIONS = "dpkg-query --show --showformat '${Version}\\n' haproxy keepalived; readlink /proc/$(pidof -s haproxy)/exe"


def test_changes_and_their_way_back_cost_no_request(lab: Lab) -> None:
    lab.bring_vip_home()
    assert lab.deploy().status == 0  # known to be good, so that there is something to go back to
    with load_on(lab) as load:
        load.begin()
        go_to(lab, 1)
        changed = lab.deploy("--output", "json")
        assert (changed.status, changed.report["changed"]) == (0, True), changed.stdout
        back = lab.runbook("rollback", "--output", "json")
        assert (back.status, back.report["changed"]) == (0, True), back.stdout
        assert load.lost() == []
    go_to(lab, 0)
    assert not lab.deploy("--output", "json").report["changed"]


def test_an_apiserver_and_a_load_balancer_that_go_and_come_back_cost_no_request(lab: Lab, tmp_path: Path) -> None:
    lab.bring_vip_home()
    less = lab.copy_to(tmp_path / "less")
    less.set_for_group("apiservers", APISERVERS)
    fewer = less.copy_without("lb-3", tmp_path / "fewer")
    with load_on(lab) as load:
        load.begin()
        for step in (
            less.deploy(),
            less.runbook("remove", "--limit", "lb-3", "--yes"),
            fewer.deploy(),
            lab.deploy(),
        ):
            assert step.status == 0, step.stdout + step.stderr
        assert load.lost() == []


def test_a_change_on_all_nodes_at_once_costs_the_announced_outage(lab: Lab) -> None:
    lab.bring_vip_home()
    lab.set_for_group("virtual_router_id", 69)
    before = on_all(lab, HOLDS)
    refused = lab.deploy("--output", "json")
    assert (refused.status, refused.report["changed"]) == (1, False)
    message = refused.report["hosts"]["lb-1"]["error"]["message"]
    seconds = re.search(r"leaves the VIP without a holder for about ([0-9.]+) s", message)
    assert seconds, message
    with load_on(lab) as load:
        load.begin()
        changed = lab.deploy("--output", "json", "--accept-outage")
        lost = load.outage()
    assert (changed.status, changed.failed_checks()) == (0, {}), changed.stdout + changed.stderr
    assert lost.seconds <= float(seconds[1]) + MARGIN
    assert sorted(map(bool, on_all(lab, HOLDS).values())) == sorted(map(bool, before.values()))
    lab.set_for_group("virtual_router_id", 68)
    assert lab.deploy("--accept-outage").status == 0


def test_an_upgrade_costs_a_planned_move(lab: Lab) -> None:
    lab.bring_vip_home()
    on_all(lab, NEWER)
    with load_on(lab) as load:
        load.begin()
        upgraded = lab.runbook("upgrade", "--output", "json")
        lost = load.outage()
    assert upgraded.status == 0, upgraded.stdout + upgraded.stderr
    assert lost.seconds <= PLANNED_MOVE
    for host, words in on_all(lab, VERSIONS).items():
        *versions, program = words.split()
        assert all(version.endswith("+newer") for version in versions), (host, words)
        assert program == "/usr/sbin/haproxy"
    again = lab.runbook("upgrade", "--output", "json")
    assert (again.status, again.report["changed"]) == (0, False)
