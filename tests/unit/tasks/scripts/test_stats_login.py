"""Who is given the stats page's password on a host: the script's own functions, with the system's answers made up."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rig.lab import ROOT

PROBES = ROOT / "tasks/probes.sh"
UNIT = "/system.slice/haproxy.service"
OURS, WORKER, STRANGER, OF_A_USERS_UNIT, DISGUISED = 100, 101, 200, 300, 400
GROUPS = {
    OURS: f"0::{UNIT}",
    WORKER: f"9:name=systemd:{UNIT}",
    STRANGER: "0::/user.slice/user-1000.slice/session-1.scope",
    OF_A_USERS_UNIT: "0::/user.slice/user-1000.slice/user@1000.service/app.slice/haproxy.service",
    DISGUISED: f"0::/user.slice/user-1000.slice/user@1000.service/x:name=systemd:{UNIT}",
}


def socket(local: str, *pids: int, name: str = "haproxy") -> str:
    users = ",".join(f'("{name}",pid={pid},fd=6)' for pid in pids)
    return f"tcp LISTEN 0 4096 {local} 0.0.0.0:* {f'users:({users})' if pids else ''}"


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., str]:
    """What a host says of its stats page; curl says that it was given the password."""
    for pid, line in GROUPS.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cgroup").write_text(f"2:cpu:/\n{line}\n", encoding="ascii")
    return lambda url, *sockets, group=UNIT: _told(tmp_path, url, sockets, group)


def _told(processes: Path, url: str, sockets: Sequence[str], group: str) -> str:
    script = f"""
    . {PROBES}
    PROCESSES={processes}
    HAPROXY_SHOWN="${{NEWLINE}}ControlGroup={group}"
    probe() {{ cat; echo 'status 200'; }}
    stats_login
    """
    environment = {
        "SOCKETS": "\n".join(sockets),
        "OWN_STATS_URL": url,
        "STATS_USER": "admin",
        "STATS_LOGIN": '"admin:x"',
    }
    completed = subprocess.run(["sh", "-u", "-c", script], env=environment, capture_output=True, text=True, check=True)
    return completed.stdout


@pytest.mark.field_report(
    "H4",
    "found by trial",
    "with haproxy stopped, verify gives whoever listens on its port the stats password, and passes",
    "the password is sent where haproxy's own unit listens, and nowhere else",
)
@pytest.mark.parametrize(
    ("url", "sockets"),
    [
        ("http://127.0.0.1:10080/status", [socket("0.0.0.0:10080", OURS, WORKER)]),
        ("http://127.0.0.1:10080/status", [socket("*:10080", WORKER)]),
        ("http://127.0.0.1:10080/status", [socket("127.0.0.1:10080", WORKER), socket("192.0.2.11:10080", STRANGER)]),
        ("http://127.0.0.1:10080/status", [socket("0.0.0.0:10080", WORKER), socket("[::]:10080", STRANGER)]),
        ("http://192.0.2.11:10080/status", [socket("192.0.2.11:10080", OURS)]),
        ("http://[2001:db8::11]:10080/status", [socket("[2001:db8::11]:10080", OURS)]),
        ("http://[2001:db8::11]:10080/status", [socket("[::]:10080", OURS)]),
    ],
)
def test_haproxys_own_socket_gets_it(told: Callable[..., str], url: str, sockets: list[str]) -> None:
    assert told(url, *sockets) == 'user = "admin:x"\nstatus 200\n'


@pytest.mark.field_report("H4")
@pytest.mark.parametrize(
    ("url", "sockets"),
    [
        ("http://127.0.0.1:10080/status", [socket("0.0.0.0:10080", STRANGER)]),
        ("http://127.0.0.1:10080/status", [socket("127.0.0.1:10080", STRANGER), socket("0.0.0.0:10080", WORKER)]),
        ("http://127.0.0.1:10080/status", [socket("*:10080", STRANGER)]),
        ("http://127.0.0.1:10080/status", [socket("0.0.0.0%lo:10080", STRANGER), socket("0.0.0.0:10080", WORKER)]),
        ("http://127.0.0.1:10080/status", [socket("[::ffff:127.0.0.1]:10080", STRANGER)]),
        ("http://127.0.0.1:10080/status", [socket("0.0.0.0:10080", WORKER, STRANGER)]),
        ("http://127.0.0.1:10080/status", [socket("0.0.0.0:10080", OF_A_USERS_UNIT)]),
        ("http://127.0.0.1:10080/status", [socket("0.0.0.0:10080", DISGUISED)]),
        ("http://192.0.2.11:10080/status", [socket("192.0.2.11:10080", STRANGER)]),
        ("http://[2001:db8::11]:10080/status", [socket("[2001:db8::11]%eth0:10080", STRANGER)]),
        ("http://[2001:db8::11]:10080/status", [socket("[::]:10080", STRANGER), socket("0.0.0.0:10080", WORKER)]),
    ],
)
def test_nobody_else_does(told: Callable[..., str], url: str, sockets: list[str]) -> None:
    words = told(url, *sockets)
    assert "admin:x" not in words
    assert "not to haproxy.service; the password was not sent\nstatus 000" in words


@pytest.mark.parametrize(
    ("sockets", "group"),
    [
        ([socket("0.0.0.0:10080")], UNIT),  # a socket whose owner cannot be told: another namespace's
        ([socket("0.0.0.0:10080", OURS)], ""),  # a unit that does not run
        ([socket("0.0.0.0:10080", OURS)], "/system.slice/haproxy.servic."),
        ([], UNIT),
        ([socket("192.0.2.11:10080", OURS)], UNIT),
    ],
)
def test_uncertain_owner_counts_as_foreign(told: Callable[..., str], sockets: list[str], group: str) -> None:
    words = told("http://127.0.0.1:10080/status", *sockets, group=group)
    assert "admin:x" not in words
    assert "the password was not sent\nstatus 000" in words
