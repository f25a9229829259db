"""Labs of these tests' own, booted and ended: what they are while up, and that nothing of them stays."""

import contextlib
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TypeVar

import pytest

from nornir_kube_ha.lab import lifecycle, network
from nornir_kube_ha.lab.errors import LabDownError, LabError, LabRequestError
from nornir_kube_ha.lab.hosts import Host, read_layout
from nornir_kube_ha.lab.images.image import Image
from nornir_kube_ha.lab.layout import LabHost, Layout
from nornir_kube_ha.lab.machine import cgroup
from nornir_kube_ha.lab.state import LABS, RUN, LabFiles
from nornir_kube_ha.lab.status import status
from nornir_kube_ha.planning.plan import PACKAGES

T = TypeVar("T")
VIP = IPv4Interface("192.0.2.10/24")
ELSEWHERE = ("203.0.113.1", "198.51.100.1", "2001:db8::1")  # looked up in a routing table, never sent to
UP = """
import sys
from ipaddress import IPv4Interface as I
from nornir_kube_ha.lab.layout import LabHost, Layout
from nornir_kube_ha.lab.lifecycle import up
name = sys.argv[1]
hosts = tuple(LabHost(f"n-{i}", "eth0", I(f"192.0.2.{10 + i}/24"), 6443) for i in (1, 2))
up(Layout(name, hosts, (I("192.0.2.10/24"),)))
"""


def layout(name: str) -> Layout:
    hosts = tuple(LabHost(f"n-{i}", "eth0", IPv4Interface(f"192.0.2.{10 + i}/24"), 6443) for i in (1, 2))
    return Layout(name, hosts, (VIP,))


def traces(lab: str) -> list[str]:
    """All that this machine still holds of a lab."""
    found = [str(path) for path in (LABS / lab, RUN / f"lab-{lab}.lock", cgroup.labs_folder() / lab) if path.exists()]
    found += map(str, network.NETNS.glob(f"kube-ha-{lab}*"))
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if not command:  # dead, and waiting for the machine's process 1 to take notice
                continue
            if f"/lab/{lab}/" in command or f"/kube-ha/{lab}/" in (process / "cgroup").read_text():
                found.append(f"process {process.name}: {command}")
            for line in (process / "mountinfo").read_text().splitlines():
                if f"/lab/{lab}/" in line or f"/kube-ha-{lab}" in line:
                    found.append(f"mount of process {process.name}: {line}")
    return found


def inside(lab: str, function: Callable[[], T]) -> T:
    """Call a function in the lab's network. The test itself stays where it is."""
    with ThreadPoolExecutor(1, initializer=network.enter, initargs=(lab,)) as pool:
        return pool.submit(function).result()


def is_up(lab: Layout) -> bool:
    return {each.name for each in status(lab.name) if each.answers} == {spec.name for spec in lab.hosts}


def inits(lab: Layout) -> list[int]:
    return [Host(lab.name, spec.name).init() for spec in lab.hosts]


def until(condition: Callable[[], bool], what: str, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def readyz(lab: Layout, address: str) -> str:
    """First line of the answer of an apiserver, or why there was none."""
    context = ssl.create_default_context(cafile=str(LabFiles(lab.name).ca_certificate))

    def ask() -> str:
        try:
            with (
                socket.create_connection((address, 6443), timeout=1) as raw,
                context.wrap_socket(raw, server_hostname=str(VIP.ip)) as secured,
            ):
                secured.sendall(b"GET /readyz HTTP/1.1\r\nHost: kubernetes\r\nConnection: close\r\n\r\n")
                return secured.recv(64).decode().partition("\r\n")[0]
        except OSError as error:
            return type(error).__name__

    return inside(lab.name, ask)


@pytest.fixture(scope="module")
def lab() -> Iterator[Layout]:
    lab = layout("tlab")
    lifecycle.up(lab)
    yield lab
    lifecycle.down(lab.name)
    assert traces(lab.name) == []


@pytest.fixture
def name() -> Iterator[str]:
    """For a lab that the test itself brings up, or half-way so."""
    yield "tcrash"
    lifecycle.down("tcrash")
    assert traces("tcrash") == []


def test_hosts_are_up_and_a_second_up_leaves_them_alone(lab: Layout) -> None:
    before = inits(lab)
    lifecycle.up(lab)
    assert inits(lab) == before
    assert is_up(lab)
    assert read_layout(lab.name) == lab
    assert [(host.name, host.is_on, host.answers) for host in status(lab.name)] == [
        ("n-1", True, True),
        ("n-2", True, True),
    ]


def test_a_host_is_a_debian_with_systemd(lab: Layout) -> None:
    host = Host(lab.name, "n-1")
    assert host.run("systemctl", "is-system-running", "--wait").strip() == "running"
    assert host.run("hostname").strip() == "n-1"
    assert host.run("cat", "/etc/debian_version").startswith("12.")
    assert host.run("systemctl", "is-active", "ssh", "systemd-journald", "kube-apiserver").split() == ["active"] * 3
    assert host.run("sysctl", "-n", "-w", "net.ipv4.ip_nonlocal_bind=1").strip() == "1"
    other = Host(lab.name, "n-2")
    assert host.run("cat", "/etc/machine-id") != other.run("cat", "/etc/machine-id")
    assert host.public_key != other.public_key


def test_a_host_knows_its_packages_and_has_none_of_them(lab: Layout) -> None:
    host = Host(lab.name, "n-1")
    policy = host.run("apt-cache", "policy", "haproxy", "keepalived", "socat", "curl", "iputils-ping")
    assert policy.count("Installed: (none)") == 5
    assert policy.count("file:/srv/pool") == 5
    assert host.run("apt-get", "update").count("Err:") == 0


def test_hosts_may_have_packages_from_the_start(name: str) -> None:
    lifecycle.up(layout(name), packages=PACKAGES)
    host = Host(name, "n-1")
    states = host.run("dpkg-query", "--show", "--showformat", "${db:Status-Status} ", *PACKAGES)
    assert states.split() == ["installed"] * len(PACKAGES)
    assert host.run("systemctl", "is-enabled", "haproxy", "keepalived").split() == ["enabled"] * 2
    assert host.run("sh", "-c", "ls /usr/sbin/policy-rc.d /etc/keepalived/keepalived.conf 2>/dev/null; true") == ""


def test_ssh_lets_in_by_the_labs_key_and_passes_on_the_exit_status(lab: Layout) -> None:
    command = [sys.executable, "-m", "nornir_kube_ha.cli.main", "lab", "ssh", "--lab", lab.name, "n-2"]
    done = subprocess.run([*command, "hostname; exit 7"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "n-2\n", "")


def test_another_host_key_is_refused(lab: Layout) -> None:
    known = LabFiles(lab.name).known_hosts
    before = known.read_text()
    known.write_text(before.replace(Host(lab.name, "n-1").public_key, Host(lab.name, "n-2").public_key))
    command = [sys.executable, "-m", "nornir_kube_ha.cli.main", "lab", "ssh", "--lab", lab.name, "n-1", "true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        known.write_text(before)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


@pytest.mark.parametrize("address", ELSEWHERE)
def test_there_is_no_way_out(lab: Layout, address: str) -> None:
    namespaces = [
        network.control_namespace(lab.name),
        *(network.host_namespace(lab.name, each.name) for each in lab.hosts),
    ]
    for namespace in namespaces:
        command = ["ip", "-n", namespace, "route", "get", address]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "Network is unreachable" in done.stderr


def test_no_interface_leads_to_the_machines_own_network(lab: Layout) -> None:
    own = {interface for _, interface in socket.if_nameindex()}
    assert not [name for name in own if name.startswith("p-n-")]
    seen = {interface for _, interface in inside(lab.name, socket.if_nameindex)}
    assert seen == {"lo", "lab", "p-n-1", "p-n-2"}


def test_entering_a_lab_that_is_down_names_the_command() -> None:
    with pytest.raises(LabDownError, match="kube-ha lab up"):
        network.enter("nowhere")


def test_apiserver_faults(lab: Layout) -> None:
    host, address = Host(lab.name, "n-1"), "192.0.2.11"
    try:
        assert readyz(lab, address) == "HTTP/1.1 200 OK"
        host.set_apiserver("error")
        assert readyz(lab, address) == "HTTP/1.1 500 Internal Server Error"
        host.set_apiserver("unauthorized")
        assert readyz(lab, address) == "HTTP/1.1 401 Unauthorized"
        host.set_apiserver("hang")
        assert readyz(lab, address) == "TimeoutError"
        host.set_apiserver("gone")
        assert readyz(lab, address) == "ConnectionRefusedError"
        assert readyz(lab, "192.0.2.12") == "HTTP/1.1 200 OK"
    finally:
        host.set_apiserver("ok")
    assert readyz(lab, address) == "HTTP/1.1 200 OK"
    assert "mode error -> unauthorized" in host.run("journalctl", "--unit", "kube-apiserver", "--output", "cat")


def test_reboot_keeps_the_disk_and_forgets_the_network(lab: Layout) -> None:
    host = Host(lab.name, "n-2")
    host.run("ip", "address", "add", str(VIP), "dev", "eth0")
    host.run("touch", "/root/kept")
    before = host.init()
    host.run("systemctl", "reboot")
    until(lambda: host.is_on and host_init(host) not in (None, before), "another process 1")
    until(lambda: all(each.answers for each in status(lab.name)), "an SSH server that answers")
    assert host.run("ls", "/root") == "kept\n"
    assert str(VIP) not in host.run("ip", "address")
    assert "192.0.2.12/24" in host.run("ip", "address")


def host_init(host: Host) -> int | None:
    try:
        return host.init()
    except LabDownError:
        return None


def test_power_off_and_on(lab: Layout) -> None:
    host = Host(lab.name, "n-1")
    host.run("touch", "/root/kept-too")
    lifecycle.power_off(lab.name, "n-1")
    assert not is_up(lab)
    seen = status(lab.name)
    assert [(each.is_on, each.answers) for each in seen] == [(False, False), (True, True)]
    assert seen[0].seen == "off"
    lifecycle.power_on(lab.name, "n-1")
    assert is_up(lab)
    assert "kept-too" in host.run("ls", "/root")
    with pytest.raises(LabRequestError, match="no host 'n-9'"):
        lifecycle.power_off(lab.name, "n-9")


def test_up_changes_what_changed_and_no_more(lab: Layout) -> None:
    before = inits(lab)
    first, second = lab.hosts
    moved = replace(second, address=IPv4Interface("192.0.2.22/24"))
    third = LabHost("n-3", "ens3", IPv4Interface("192.0.2.254/24"))
    lifecycle.up(Layout(lab.name, (first, moved, third), (IPv4Interface("192.0.2.30/24"),)))
    try:
        assert Host(lab.name, "n-1").init() == before[0]
        assert [str(each.address) for each in status(lab.name)] == ["192.0.2.11/24", "192.0.2.22/24", "192.0.2.254/24"]
        assert all(each.answers for each in status(lab.name))  # the controller made way for n-3
        assert "192.0.2.254/24" in Host(lab.name, "n-3").run("ip", "address", "show", "dev", "ens3")
    finally:
        lifecycle.up(lab)
    assert [each.name for each in status(lab.name)] == ["n-1", "n-2"]
    assert Host(lab.name, "n-1").init() == before[0]


def start_up(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", UP, name], stderr=subprocess.DEVNULL)


def test_down_of_what_never_was_is_no_error() -> None:
    lifecycle.down("never")
    assert traces("never") == []


@pytest.mark.parametrize("moment", ["files", "namespace", "cgroup", "boot"])
def test_down_after_up_was_killed(name: str, moment: str) -> None:
    reached = {
        "files": LabFiles(name).folder.exists,
        "namespace": lambda: network.is_there(network.control_namespace(name)),
        "cgroup": lambda: cgroup.cgroup_of(name, "n-1").exists(),
        "boot": lambda: bool(cgroup.processes(cgroup.cgroup_of(name, "n-2"))),
    }[moment]
    with start_up(name) as process:
        until(reached, moment)
        process.kill()
    lifecycle.down(name)
    assert traces(name) == []


@pytest.mark.parametrize("host", ["n-1", "n-2"])
def test_up_after_up_was_killed(name: str, host: str) -> None:
    with start_up(name) as process:
        until(lambda: cgroup.cgroup_of(name, host).exists(), f"{host}'s cgroup")
        process.kill()
    lifecycle.up(layout(name))
    assert all(each.answers for each in status(name))


def test_interrupted_up_takes_down_what_it_made(name: str) -> None:
    with start_up(name) as process:
        until(lambda: cgroup.cgroup_of(name, "n-1").exists(), "a host's cgroup")
        process.send_signal(signal.SIGINT)
    assert process.returncode != 0
    assert traces(name) == []


def test_up_that_fails_says_why_and_leaves_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "ensure_image", lambda *_: Image(tmp_path / "no-image"))
    with pytest.raises(LabError, match=r"(?s)n-\d of lab tcrash went off during its boot.*mount"):
        lifecycle.up(layout(name))
    assert traces(name) == []


def test_lab_whose_network_is_gone_is_booted_again(name: str) -> None:
    lifecycle.up(layout(name))
    network.remove_namespace(network.control_namespace(name))
    assert not is_up(layout(name))
    assert {each.seen for each in status(name)} == {"the lab has no network any more"}
    lifecycle.up(layout(name))
    assert all(each.answers for each in status(name))
