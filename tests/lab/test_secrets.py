"""No secret is seen anywhere but where it belongs: whatever is run, however much it says, and when it fails."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rig.lab import HOSTS, ROOT, Lab, on_all
from rig.users import DEMAND_PASSWORD, allow

STATS, SUDO = "canary-of-the-stats-page", "canary of sudo's"
# What a process and a file show on purpose: who does not see these would see no secret either.
CONTROL = "canary-control"
# Command lines and environments of all processes, again and again; its own words hold no secret.
WATCH = """
rm -f /root/seen; touch /root/watching
while [ -e /root/watching ]; do
    cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -a '[c]anary' >>/root/seen
    sleep 0.25
done
"""
# What is left behind. The live file and what was kept of it hold the stats page's password; only root may read them.
LEFT = """
journalctl --boot --output cat | grep -a '[c]anary'
find / -xdev -type f -not -path '/proc/*' -not -path '/sys/*' -size -1024k -newer /root/watched 2>/dev/null |
    xargs -d '\\n' grep -la '[c]anary' 2>/dev/null | xargs -r stat -c '%a %n'
find /run /tmp -type f -newer /root/watched 2>/dev/null | xargs -d '\\n' grep -la '[c]anary' 2>/dev/null
true
"""
TACITURN = {"vip", "drain", "ready", "hostkeys"}  # they know no -v
BELONGS = re.compile(r"6[04]0 (/etc/haproxy/haproxy\.cfg|/var/lib/kube-ha/.*)")


@pytest.fixture
def canaries(ops: Lab) -> Lab:
    """Hosts where every secret is a canary."""
    allow(ops, DEMAND_PASSWORD, password=SUDO)
    ops.set("login.sudo_password", SUDO)
    ops.set("haproxy.stats.password", STATS)
    return ops


@contextmanager
def watched(lab: Lab) -> Iterator[None]:
    """All processes of all hosts are looked at meanwhile."""
    on_all(lab, f"touch /root/watched; sleep 0.1; echo {CONTROL} >/root/control")
    watchers = [threading.Thread(target=lab.run, args=(host, WATCH)) for host in HOSTS]
    for watcher in watchers:
        watcher.start()
    try:
        on_all(lab, f"sh -c 'sleep 2; true' {CONTROL}")
        yield
    finally:
        on_all(lab, "rm -f /root/watching")
        for watcher in watchers:
            watcher.join()


def run(lab: Lab, *words: str) -> str:
    """All that a command says, at its most talkative."""
    talk = [] if words[0] in TACITURN else ["-vvv"]
    command = [sys.executable, "-m", "nornir_kube_ha.cli.main", *words, "-i", str(lab.inventory), *talk]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return f"{done.stdout}{done.stderr}\n{' '.join(words)}: {done.returncode}"


def test_no_secret_is_seen(canaries: Lab, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    said: list[str] = []
    with watched(canaries):
        said.append(run(canaries, "deploy", "--dry-run", "--diff"))
        said.append(run(canaries, "deploy", "--diff", "--report-dir", str(reports / "deploy")))
        said.append(run(canaries, "verify", "--report-dir", str(reports / "verify")))
        canaries.set("haproxy.global_lines", ["no-such-word at all"])
        said.append(run(canaries, "deploy", "--diff", "--report-dir", str(reports / "refused")))
        canaries.set("haproxy.global_lines", [])
        canaries.set("haproxy.balance", "source")
        said.append(run(canaries, "deploy", "--output", "json"))
        said.append(run(canaries, "rollback", "--diff", "--output", "html"))
        canaries.set("haproxy.balance", "leastconn")  # as the rollback left it
        said.append(run(canaries, "upgrade"))
        said.append(run(canaries, "vip", "move", "--to", "lb-2"))
        said.append(run(canaries, "drain", "lb-3", "--for", "60s"))
        said.append(run(canaries, "ready", "lb-3"))
        said.append(run(canaries, "hostkeys", "enroll", "--yes"))
        said.append(run(canaries, "failover-test", "--fault", "haproxy-kill", "--yes", "--output", "json"))
        canaries.set("login.sudo_password", "canary that is wrong")
        said.append(run(canaries, "verify", "--report-dir", str(reports / "wrong")))
        canaries.set("login.sudo_password", SUDO)
        said.append(run(canaries, "remove", "--yes", "--diff"))
    statuses = [text.rsplit(" ", 1)[1] for text in said]
    assert statuses.pop(11) in {"0", "1"}, said[11]  # a fault may take long on hosts that are looked at like this
    assert statuses == ["0", "0", "0", "1", "0", "0", "0", "0", "0", "0", "0", "6", "0"], said
    assert not [text for text in said if "canary" in text]
    assert not [path for path in reports.rglob("*") if path.is_file() and "canary" in path.read_text()]
    for host, seen in on_all(canaries, "cat /root/seen").items():
        assert seen, f"nobody has looked at the processes of {host}"
        assert not [line for line in seen.splitlines() if CONTROL not in line], (host, seen)
    for host, left in on_all(canaries, LEFT).items():
        others = [line for line in left.splitlines() if not BELONGS.fullmatch(line)]
        assert sorted(others) == ["644 /root/control", "644 /root/seen"], (host, left)
