"""A deploy on real hosts: what it makes of fresh ones, and what it leaves alone."""

import re

from rig.lab import BACKUPS, EVERYTHING, HOSTS, MASTER, UNITS, Lab, on_all

OUR_FILES = "find /etc/haproxy /etc/keepalived /etc/systemd/system /etc/tmpfiles.d -printf '%p %s %m %T@ %i\\n' | sort"


def test_dry_run_on_fresh_hosts_shows_everything_and_changes_nothing(fresh: Lab) -> None:
    before = on_all(fresh, EVERYTHING)
    completed = fresh.deploy("--dry-run", "--diff")
    assert completed.status == 0, completed.stdout + completed.stderr
    for line in (
        "+ package haproxy",
        "+    bind 0.0.0.0:8443",
        "+    server lb-3 192.0.2.13:6443 weight 1",
        "+    virtual_router_id 68",
        "+ /etc/keepalived/keepalived.conf: 0600 root:root",
        "+ enable keepalived",
        "would change: 3",
    ):
        assert line in completed.stdout
    assert "only-for-the-lab" not in completed.stdout + completed.stderr
    for host in HOSTS:
        assert changed_paths(before[host], fresh.run(host, EVERYTHING)) == set()


def test_deploy_makes_fresh_hosts_a_control_plane_address_and_the_second_one_touches_nothing(fresh: Lab) -> None:
    first = fresh.deploy("--output", "json")
    assert first.status == 0, first.stdout + first.stderr
    report = first.report
    assert report["passed"]
    assert report["changed"]
    assert {name: host["status"] for name, host in report["hosts"].items()} == dict.fromkeys(HOSTS, "passed")
    assert report["clusters"]["demo"]["checks"][0]["seen"] == MASTER

    files, units = on_all(fresh, OUR_FILES), on_all(fresh, UNITS)
    second = fresh.deploy("--output", "json")
    assert second.status == 0, second.stdout + second.stderr
    assert not second.report["changed"]
    assert on_all(fresh, OUR_FILES) == files
    assert on_all(fresh, UNITS) == units

    # The client that matters, from outside of the hosts: the controller's place in the lab.
    ca = f"/var/lib/kube-ha/lab/{fresh.name}/pki/ca.crt"
    probe = fresh.kube_ha(
        "lab", "exec", "--lab", fresh.name, "--", "curl", "-sS", "--cacert", ca, "https://192.0.2.10:8443/readyz"
    )
    assert (probe.status, probe.stdout) == (0, "ok"), probe.stderr


def test_a_value_for_all_changes_one_file_on_each_host_and_reloads(deployed: Lab) -> None:
    pids, files = on_all(deployed, "systemctl show --property MainPID --value haproxy"), on_all(deployed, OUR_FILES)
    keepalived = on_all(deployed, "systemctl show --property MainPID,ActiveEnterTimestampMonotonic keepalived")
    workers = on_all(deployed, "pgrep -x haproxy | sort")
    deployed.set("haproxy.balance", "roundrobin")
    completed = deployed.deploy("--diff")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert completed.stdout.count("-    balance leastconn") == 2 * len(HOSTS)  # of the last resort, too
    assert completed.stdout.count("+    balance roundrobin") == 2 * len(HOSTS)
    assert completed.stdout.count("+ reload haproxy") == len(HOSTS)
    assert "keepalived" not in completed.stdout.partition("cluster demo")[0]
    for host in HOSTS:
        assert changed_paths(files[host], deployed.run(host, OUR_FILES)) == {"/etc/haproxy", "/etc/haproxy/haproxy.cfg"}
        assert deployed.run(host, "systemctl show --property MainPID --value haproxy") == pids[host], "restarted"
        assert deployed.run(host, "pgrep -x haproxy | sort") != workers[host], "not reloaded"
    shown = on_all(deployed, "systemctl show --property MainPID,ActiveEnterTimestampMonotonic keepalived")
    assert shown == keepalived


def test_a_value_of_one_host_changes_only_that_host(deployed: Lab) -> None:
    pids, files = on_all(deployed, "systemctl show --property MainPID --value keepalived"), on_all(deployed, OUR_FILES)
    deployed.set("keepalived.priority", 105, host="lb-3")
    completed = deployed.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert [name for name, host in completed.report["hosts"].items() if host["changed"]] == ["lb-3"]
    after = on_all(deployed, OUR_FILES)
    assert changed_paths(files["lb-3"], after["lb-3"]) == {"/etc/keepalived", "/etc/keepalived/keepalived.conf"}
    assert [after[host] for host in HOSTS[:2]] == [files[host] for host in HOSTS[:2]]
    assert on_all(deployed, "systemctl show --property MainPID --value keepalived") == pids
    assert '"effective_priority":105' in re.sub(
        r"\s", "", deployed.run("lb-3", "cat /run/keepalived-kube-ha/keepalived.json")
    )


def test_a_change_goes_to_the_vips_holder_last_whatever_its_role_and_leaves_the_vip_there(deployed: Lab) -> None:
    moved = deployed.kube_ha("vip", "move", "-i", str(deployed.inventory), "--to", "lb-2")
    assert moved.status == 0, moved.stdout + moved.stderr
    deployed.set("keepalived.garp_master_refresh", 61)
    completed = deployed.deploy("--output", "json")
    assert (completed.status, completed.failed_checks()) == (0, {}), completed.stdout + completed.stderr
    assert re.findall(r"changing (\S+)", completed.stderr) == ["lb-3", "lb-1", "lb-2"]
    assert completed.report["clusters"]["demo"]["checks"][0]["seen"] == "lb-2"


def test_where_nodes_preempt_a_planned_move_lasts_and_is_no_fault(deployed: Lab) -> None:
    deployed.set("keepalived.preempt", value=True)
    assert deployed.deploy().status == 0
    for node in ("lb-2", MASTER):
        moved = deployed.kube_ha("vip", "move", "-i", str(deployed.inventory), "--to", node)
        assert moved.status == 0, moved.stdout + moved.stderr
        completed = deployed.runbook("verify", "--output", "json")
        assert (completed.status, completed.failed_checks()) == (0, {}), completed.stdout
        assert completed.report["clusters"]["demo"]["checks"][0]["seen"] == node


def test_files_that_are_no_longer_wanted_are_removed(deployed: Lab) -> None:
    deployed.set("keepalived.events", value=False)
    completed = deployed.deploy("--diff")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert "- /etc/systemd/system/haproxy.service.d/kube-ha.conf" in completed.stdout
    for host in HOSTS:
        drop_ins = deployed.run(host, "systemctl show --property DropInPaths,NeedDaemonReload haproxy keepalived")
        assert "kube-ha" not in drop_ins
        assert "NeedDaemonReload=yes" not in drop_ins


def test_a_run_cut_off_between_swap_and_reload_is_completed_by_the_next(deployed: Lab) -> None:
    deployed.run(BACKUPS[0], "mkdir -p /run/kube-ha-pending && touch /run/kube-ha-pending/haproxy")
    completed = deployed.deploy("--diff", "--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert [name for name, host in completed.report["hosts"].items() if host["changed"]] == [BACKUPS[0]]
    assert not deployed.deploy("--output", "json").report["changed"]


def test_the_guides_own_values_make_a_control_plane_address_too(deployed: Lab) -> None:
    for key, value in {
        "haproxy.balance": "source",
        "haproxy.check": "tcp",
        "haproxy.inter": 2000,
        "haproxy.fastinter": 2000,
        "haproxy.shutdown_sessions": False,
        "haproxy.timeouts.connect": 5000,
        "haproxy.nbproc": 1,  # left out by haproxy from 2.5 on, which refuses it
        "haproxy.stats.admin": True,
        "keepalived.vrrp_version": 2,
        "keepalived.advert_int": 3,
        "keepalived.down_timer_adverts": 3,
        "keepalived.unicast": False,
        "keepalived.dont_track_primary": True,
        "keepalived.preempt": True,
        "keepalived.events": False,
        "keepalived.yield_when_blind": False,
        "keepalived.check": {"script": "killall -0 haproxy", "interval": 5, "weight": -30},
    }.items():
        deployed.set(key, value)
    for host, priority in zip(HOSTS, (120, 110, 110), strict=True):
        deployed.set("keepalived.priority", priority, host=host)
    before = on_all(deployed, OUR_FILES)
    refused = deployed.deploy("--output", "json")
    assert refused.status == 1
    assert "vrrp_version 3 -> 2, unicast_peer some -> none" in refused.stdout
    assert on_all(deployed, OUR_FILES) == before
    completed = deployed.deploy("--output", "json", "--accept-outage")
    assert (completed.status, completed.failed_checks()) == (0, {}), completed.stdout + completed.stderr
    assert "psmisc" in completed.stdout


def changed_paths(before: str, after: str) -> set[str]:
    """Paths whose line (size, mode, time, inode) differs, or that came or went."""
    return {line.split()[0] for line in {*before.splitlines()} ^ {*after.splitlines()}}
