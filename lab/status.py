"""Which of a lab's hosts are on, and which answer."""

import http.client
import socket
import ssl
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from nornir_kube_ha.addresses import IPAddress, IPInterface
from nornir_kube_ha.lab import network
from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.hosts import Host
from nornir_kube_ha.lab.layout import LabHost, Layout, check_lab_name

_SSH = 22
_BOOT_SECONDS = 30.0
_BOOT_SECONDS_PER_HOST = 1.0  # 0.2 measured with 100 hosts on two processors
_POLL = 0.02  # seconds
_READY_SECONDS = 90.0  # ten on an idle machine; etcd elects a leader first
_READY_POLL = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class HostStatus:
    """The state of a host of a lab.

    Arguments:
        name: the host's name
        address: the host's address; None if unknown
        is_on: whether any of its processes is alive
        answers: whether its SSH server answers
        seen: what the SSH server sent, or why nothing came
    """

    name: str
    address: IPInterface | None
    is_on: bool
    answers: bool
    seen: str


def status(lab: str) -> list[HostStatus]:
    """Return the state of each host of which anything is left; none if the lab is down."""
    hosts = Host.all_of(check_lab_name(lab))
    if not hosts or not network.is_there(network.control_namespace(lab)):
        return [_look_at(host, "the lab has no network any more") for host in hosts]
    with _inside(lab, len(hosts)) as pool:
        return list(pool.map(_look_at, hosts))


def await_hosts(layout: Layout, hosts: Collection[Host], *, with_apiserver: Collection[Host]) -> None:
    """Wait until the hosts' SSH servers answer, and the apiservers of some.

    Arguments:
        layout: the lab's layout
        hosts: all that must answer
        with_apiserver: those whose apiserver, if they have one, must listen too

    Raises:
        LabError: one does not in time; the message says what was seen last
    """
    deadline = time.monotonic() + _BOOT_SECONDS + _BOOT_SECONDS_PER_HOST * len(hosts)

    def await_host(host: Host) -> None:
        spec = layout.host(host.name)
        _await(host, spec.address.ip, _SSH, deadline)
        if spec.apiserver_port is not None and host in with_apiserver:
            _await(host, spec.address.ip, spec.apiserver_port, deadline)

    with _inside(layout.name, len(hosts)) as pool:
        list(pool.map(await_host, hosts))


def await_control_plane(layout: Layout) -> None:
    """Wait until every real apiserver of a lab is ready.

    Raises:
        LabError: one is not in time; the message says what was seen last
    """
    hosts = [host for host in layout.hosts if host.plane]
    deadline = time.monotonic() + _READY_SECONDS

    def await_host(host: LabHost) -> None:
        while (seen := readyz_of(host)) != "200":
            if time.monotonic() > deadline:
                words = f"the kube-apiserver of {host.name} is not ready after {_READY_SECONDS:g} s: /readyz: {seen}"
                raise LabError(f"{words}; see: kube-ha lab ssh {host.name} journalctl -u kube-apiserver -u etcd")
            time.sleep(_READY_POLL)

    if hosts:
        with _inside(layout.name, len(hosts)) as pool:
            list(pool.map(await_host, hosts))


def readyz_of(host: LabHost) -> str:
    """Return an apiserver's answer to /readyz, without a load balancer: a status, `refused`, `late` or `broken`.

    Arguments:
        host: the apiserver's host; the caller is in the lab's network
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(
        str(host.address.ip), host.apiserver_port or 0, timeout=1.0, context=context
    )
    try:
        connection.request("GET", "/readyz")
        return str(connection.getresponse().status)
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "late"
    except (OSError, http.client.HTTPException):
        return "broken"
    finally:
        connection.close()


def _inside(lab: str, threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads in the lab's network. The rest of the process stays where it is."""
    return ThreadPoolExecutor(threads, initializer=network.enter, initargs=(lab,))


def _await(host: Host, address: IPAddress, port: int, deadline: float) -> None:
    while True:
        answers, seen = _greet(address, port)
        if answers:
            return
        if not host.is_on:
            raise LabError(
                f"{host.name} of lab {host.lab} went off during its boot. Last console output:\n{host.last_words}"
            )
        if time.monotonic() > deadline:
            what = "its SSH server" if port == _SSH else f"its kube-apiserver on port {port}"
            raise LabError(f"{host.name} of lab {host.lab} is on, but {what} does not answer; last seen: {seen}")
        time.sleep(_POLL)


def _greet(address: IPAddress, port: int) -> tuple[bool, str]:
    """Return whether a server answers, and what was seen. Only an SSH server speaks first."""
    try:
        with socket.create_connection((str(address), port), timeout=2) as connection:
            if port != _SSH:
                return True, "connected"
            banner = connection.recv(64)
            with suppress(OSError):
                connection.sendall(b"SSH-2.0-lab\r\n")  # else sshd logs an error for each probe
    except OSError as error:
        return False, str(error)
    return banner.startswith(b"SSH-"), banner.decode(errors="replace").strip() or "connected, then closed"


def _look_at(host: Host, trouble: str = "") -> HostStatus:
    spec = host.description
    if spec is None:
        return HostStatus(host.name, None, host.is_on, answers=False, seen="its disk was not completed")
    if trouble or not host.is_on:
        return HostStatus(host.name, spec.address, host.is_on, answers=False, seen=trouble or "off")
    answers, seen = _greet(spec.address.ip, _SSH)
    return HostStatus(host.name, spec.address, is_on=True, answers=answers, seen=seen)
