"""Network namespaces of a lab: one with the bridge and the controller, and one for each host.

Nothing ever connects them to the machine's own namespace, and none has a default route. Whatever is sent inside stays
inside, also to addresses that exist elsewhere.
"""

import ctypes
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_interface
from pathlib import Path

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.lab.errors import LabDownError, LabError, LabRequiresRootError
from nornir_kube_ha.lab.layout import LabHost, Layout
from nornir_kube_ha.lab.machine.command import run

NETNS = Path("/run/netns")  # where ip(8) looks for names
BRIDGE = "lab"
_CLONE_NEWNET = 0x40000000
_MNT_DETACH = 2


def control_namespace(lab: str) -> str:
    """Return the name of the namespace with the lab's bridge and controller."""
    return f"kube-ha-{lab}"


def host_namespace(lab: str, host: str) -> str:
    """Return the name of a host's namespace. A lab's name has no "-", so the result is unambiguous."""
    return f"kube-ha-{lab}-{host}"


def port_of(host: str) -> str:
    """Return the name of a host's port of the bridge, of at most 15 characters, the kernel's limit."""
    name = f"p-{host}"
    return name if len(name) <= 15 else f"{name[:8]}-{hashlib.sha256(host.encode()).hexdigest()[:6]}"


def mac_of(host: str) -> str:
    """Return a host's hardware address. It is the same at each boot, so that the neighbours' caches stay valid."""
    return "02:" + hashlib.sha256(host.encode()).digest()[:5].hex(":")  # 02: locally administered


def enter(lab: str) -> None:
    """Move the calling thread, and what it starts from now on, into the lab's control namespace.

    Open sockets and running threads stay where they are: call this first.

    Raises:
        LabRequiresRootError: we are not root
        LabDownError: the lab is not up
    """
    path = NETNS / control_namespace(lab)
    if os.geteuid() != 0:
        raise LabRequiresRootError(f"the hosts of lab {lab} can be reached by root only")
    if not is_there(path.name):
        raise LabDownError(f"lab {lab} is not up; start it with: kube-ha lab up")
    with path.open("rb") as handle:
        _join(handle.fileno(), path)


@contextmanager
def inside(lab: str) -> Iterator[None]:
    """Do as `enter`, and return the calling thread to its network at the end of the block.

    Raises:
        LabRequiresRootError, LabDownError: as `enter` does
    """
    own = Path("/proc/thread-self/ns/net")
    with own.open("rb") as before:
        enter(lab)
        try:
            yield
        finally:
            _join(before.fileno(), own)


def _join(namespace: int, path: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        raise LabError(f"entering {path}: {os.strerror(ctypes.get_errno())}")


def is_inside(lab: str) -> bool:
    """Return whether the calling thread is in the lab's control namespace."""
    if not is_there(control_namespace(lab)):
        return False
    own, its = Path("/proc/thread-self/ns/net").stat(), (NETNS / control_namespace(lab)).stat()
    return (own.st_dev, own.st_ino) == (its.st_dev, its.st_ino)


def is_there(namespace: str) -> bool:
    """Return whether a namespace of that name exists. A file left behind by a killed `up` does not count."""
    try:
        return (NETNS / namespace).stat().st_dev != NETNS.stat().st_dev  # a mount: nsfs has a device of its own
    except FileNotFoundError:
        return False


def hosts_with_namespace(lab: str) -> set[str]:
    """Return the names of the hosts for which a namespace's file exists, mounted or not."""
    prefix = host_namespace(lab, "")
    return {path.name.removeprefix(prefix) for path in NETNS.glob(f"{prefix}*")}


def remove_namespace(namespace: str) -> None:
    """Remove a namespace's name. The kernel ends it, with all links in it, when its last process has ended."""
    path = NETNS / namespace
    libc = ctypes.CDLL(None, use_errno=True)
    while is_there(namespace):  # it may have been mounted more than once
        if libc.umount2(os.fsencode(path), _MNT_DETACH) and ctypes.get_errno() != errno.EINVAL:
            raise LabError(f"unmounting {path}: {os.strerror(ctypes.get_errno())}")
    try:
        path.unlink(missing_ok=True)  # this also unmounts its copies in other mount namespaces
    except OSError as error:
        # `ip netns add` bind-mounts the folder over itself, and hides what was mounted there before.
        hint = f"{NETNS} may be mounted over itself (by `ip netns add`): run `umount {NETNS}`, then repeat"
        raise LabError(f"removing {path}: {error.strerror}; {hint}") from None


def _make_namespace(namespace: str) -> None:
    remove_namespace(namespace)
    NETNS.mkdir(mode=0o755, parents=True, exist_ok=True)
    (NETNS / namespace).touch(mode=0o444)
    # Not `ip netns add`: it turns /run/netns into a mount of its own, which nothing removes.
    run(["unshare", f"--net={NETNS / namespace}", "true"])


def _ip(namespace: str, *commands: str) -> None:
    run(["ip", "-n", namespace, "-batch", "-"], stdin="\n".join(commands) + "\n")


def control_commands(layout: Layout) -> list[str]:
    """Return the ip(8) commands that set up an empty control namespace."""
    return [
        "link set lo up",
        f"link add {BRIDGE} address {mac_of('')} type bridge",  # else it changes when a port goes
        f"link set {BRIDGE} up",
        *_address_commands(layout),
    ]


def _address_commands(layout: Layout) -> list[str]:
    return [
        *(_address_command(address, BRIDGE) for address in layout.control_addresses),
        *(f"route add {vip} dev {BRIDGE}" for vip in layout.distant_vips),
    ]


def _address_command(address: IPInterface, interface: str) -> str:
    # No duplicate address detection in IPv6: the layout rules duplicates out, and detection takes a second.
    return f"address add {address} {'brd +' if address.version == 4 else 'nodad'} dev {interface}"


def host_commands(layout: Layout, host: LabHost) -> list[str]:
    """Return the ip(8) commands that set up a host's namespace, which has its interface already."""
    own = {each.network for each in host.addresses}
    gateways = {each.version: each.ip for each in layout.control_addresses if each.network in own}
    return [
        "link set lo up",
        *(_address_command(address, host.interface) for address in host.addresses),
        f"link set {host.interface} up",
        *(
            f"route add {network} via {gateways[network.version]}"
            for network in layout.networks
            if network not in own and network.version in gateways
        ),
        *(f"route add {vip} dev {host.interface}" for vip in layout.distant_vips),
    ]


def ensure_control(layout: Layout) -> None:
    """Create the lab's control namespace, or change its addresses to the layout's."""
    namespace = control_namespace(layout.name)
    if not _has_bridge(namespace):
        _make_namespace(namespace)
        _ip(namespace, *control_commands(layout))
    elif _control_addresses(namespace) != set(layout.control_addresses):
        _ip(namespace, f"address flush dev {BRIDGE} scope global", *_address_commands(layout))
    # A new namespace inherits the machine's settings. Write only those that differ: a container may not write any.
    script = "; ".join(f'[ "$(cat {path})" = {value} ] || echo {value} >{path}' for path, value in _settings(layout))
    run(["nsenter", f"--net={NETNS / namespace}", "sh", "-c", f"set -e; {script}"])


def _settings(layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield the control namespace's kernel settings: it routes if a family of addresses has several networks."""
    for version, setting in ((4, "ipv4/ip_forward"), (6, "ipv6/conf/all/forwarding")):
        networks = [network for network in layout.networks if network.version == version]
        if networks:  # a machine without IPv6 has no such setting
            yield f"/proc/sys/net/{setting}", "1" if len(networks) > 1 else "0"


def _has_bridge(namespace: str) -> bool:
    if not is_there(namespace):
        return False
    return any(link["ifname"] == BRIDGE for link in json.loads(run(["ip", "-n", namespace, "-j", "link"])))


def _control_addresses(namespace: str) -> set[IPInterface]:
    links = json.loads(run(["ip", "-n", namespace, "-j", "address", "show", "dev", BRIDGE, "scope", "global"]))
    # ip(8) prints {} in place of an address of another scope.
    shown = [each for link in links for each in link.get("addr_info", ()) if each]
    return {ip_interface((each["local"], each["prefixlen"])) for each in shown}


def unplug(lab: str, host: str) -> None:
    """Set a host's port of the bridge down: the host loses its carrier."""
    _ip(control_namespace(lab), f"link set {port_of(host)} down")


def make_host(layout: Layout, host: LabHost) -> None:
    """Create a host's namespace, replacing an existing one, and connect it to the bridge."""
    control, own, port = control_namespace(layout.name), host_namespace(layout.name, host.name), port_of(host.name)
    _make_namespace(own)
    with suppress(LabError):  # left by a killed host: the kernel takes a moment to clear a dead namespace
        _ip(control, f"link delete {port}")
    _ip(
        control,
        f"link add {port} type veth peer name {host.interface} address {mac_of(host.name)} netns {own}",
        f"link set {port} master {BRIDGE} up",
    )
    _ip(own, *host_commands(layout, host))
