"""A host that cannot take a change: no room, or a package manager that somebody else is using."""

import subprocess
import sys

from rig.killing import LEFTOVERS, SUMS
from rig.lab import BACKUPS, Completed, Lab, on_all
from tests.support.labs import HASTY

HOST = BACKUPS[0]
# A folder of its own that has no room left.
FILL = """
cp -a /etc/haproxy /root/kept && mount -t tmpfs -o size=256k none /etc/haproxy && cp -a /root/kept/. /etc/haproxy
dd if=/dev/zero of=/etc/haproxy/filler bs=1k 2>/dev/null
rm -rf /root/kept
"""
LOCKED = """
import fcntl, os, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print(os.getpid(), flush=True)
os.close(1)
time.sleep(60)
"""


def test_what_a_full_disk_keeps_from_being_kept_stops_the_change_before_any_live_file(deployed: Lab) -> None:
    content = on_all(deployed, SUMS)
    deployed.run(HOST, "mkdir -p /var/lib/kube-ha && mount -t tmpfs -o size=4k none /var/lib/kube-ha")
    deployed.set("haproxy.balance", "roundrobin")
    try:
        completed = deployed.deploy("--output", "json")
    finally:
        deployed.run(HOST, "umount /var/lib/kube-ha")
    assert completed.status == 1, completed.stdout
    message = completed.report["hosts"][HOST]["error"]["message"]
    assert "cannot keep the files as they are in /var/lib/kube-ha/generations: cannot copy" in message
    assert "; nothing was changed" in message
    assert "No space left on device" in message
    assert message.endswith("its live files were not changed")
    assert on_all(deployed, SUMS) == content
    assert not any(on_all(deployed, LEFTOVERS).values())


def test_full_disk_stops_the_change_where_it_is_staged(deployed: Lab) -> None:
    content = on_all(deployed, SUMS)
    deployed.set("haproxy.balance", "roundrobin")
    deployed.run(HOST, FILL)
    try:
        completed = deployed.deploy("--output", "json")
    finally:
        deployed.run(HOST, "umount /etc/haproxy")
    assert completed.status == 1, completed.stdout
    message = completed.report["hosts"][HOST]["error"]["message"]
    assert "cannot write /etc/haproxy/.haproxy.cfg.kube-ha-new: none " in message
    assert not completed.report["changed"]
    assert on_all(deployed, SUMS) == content
    assert not any(on_all(deployed, LEFTOVERS).values())


def test_who_holds_the_package_managers_lock_is_named(deployed: Lab) -> None:
    content = on_all(deployed, SUMS)
    deployed.run(HOST, "dpkg --purge --force-depends tcpdump >/dev/null 2>&1")
    holder = deployed.run(HOST, f"python3 -c '{LOCKED}' 2>/dev/null &").strip()
    try:
        command = [sys.executable, "-c", HASTY, "-i", str(deployed.inventory), "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        completed = Completed(done.returncode, done.stdout, done.stderr)
        assert completed.status == 1, completed.stdout + completed.stderr
        message = completed.report["hosts"][HOST]["error"]["message"]
        assert f"Could not get lock /var/lib/dpkg/lock-frontend. It is held by process {holder} (python3)" in message
        assert on_all(deployed, SUMS) == content
    finally:
        deployed.run(HOST, f"kill {holder}")
