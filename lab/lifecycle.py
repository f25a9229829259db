"""A lab as a whole: up, down, and power.

Its state is read from the machine: from the names of namespaces, cgroups and folders. Whatever a killed `up` left
behind is completed by the next one, or removed by `down`.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab import network
from nornir_kube_ha.lab.errors import LabError, LabRequiresRootError
from nornir_kube_ha.lab.hosts import Host, read_layout
from nornir_kube_ha.lab.images.image import Image, ensure_image, ensure_installed
from nornir_kube_ha.lab.images.programs import Programs
from nornir_kube_ha.lab.layout import Layout, check_lab_name
from nornir_kube_ha.lab.machine import cgroup, inotify
from nornir_kube_ha.lab.machine.command import require_tools
from nornir_kube_ha.lab.state import LABS, LabFiles, Progress, locked, silent
from nornir_kube_ha.lab.status import await_control_plane, await_hosts

REBOOT_SECONDS = 100  # systemd waits 90 s for a unit that does not stop
POLL = 0.02  # seconds


def require_root() -> None:
    """Refuse any user but root.

    Raises:
        LabRequiresRootError: we are not root
    """
    if os.geteuid() != 0:
        raise LabRequiresRootError("the lab needs root for network namespaces, mounts and cgroups")


def up(
    layout: Layout,
    progress: Progress = silent,
    packages: tuple[str, ...] = (),
    programs: Programs | None = None,
) -> None:
    """Bring a lab up: boot missing hosts, replace those that differ from the layout, remove those that it lacks.

    Arguments:
        layout: the wanted state of the lab
        progress: called before long steps
        packages: installed already on new hosts
        programs: a real control plane's programs, if the lab has one

    Raises:
        LabRequiresRootError: we are not root
        LabError: it could not be brought up; what this call made was removed
    """
    require_root()
    require_tools()
    with locked(f"lab-{layout.name}", progress), _usual_umask():
        images = {suite: _image(suite, packages, progress) for suite in {host.suite for host in layout.hosts}}
        untouched = {host.name for host in Host.all_of(layout.name) if host.is_on}
        try:
            _bring_up(layout, images, untouched, progress, programs)
        except BaseException:
            progress("failed: removing what was created")
            _take_down(layout.name, keep=untouched)
            raise


@contextmanager
def _usual_umask() -> Iterator[None]:
    """Use the umask of an installer: under a stricter one, a host's / and /etc would be root's alone."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def down(lab: str) -> None:
    """Take a lab down, or what is left of it. Images are kept.

    Arguments:
        lab: name of the lab

    Raises:
        LabRequiresRootError: we are not root
        LabError: something could not be ended
    """
    require_root()
    check_lab_name(lab)
    with locked(f"lab-{lab}"):
        _take_down(lab)


def labs() -> list[str]:
    """Return the names of all labs that anything is left of."""
    names = {path.name for path in LABS.glob("*/")} | cgroup.labs_with_cgroup()
    prefix = network.control_namespace("")
    names |= {path.name.removeprefix(prefix).partition("-")[0] for path in network.NETNS.glob(f"{prefix}*")}
    return sorted(names)


def power_off(lab: str, name: str) -> None:
    """Cut a host's power and network at once. Its disk stays as it is.

    Raises:
        LabDownError: the lab is not up
        LabRequestError: it has no such host
    """
    require_root()
    with locked(f"lab-{lab}"):
        read_layout(lab).host(name)
        host = Host(lab, name)
        if host.is_on:
            network.unplug(lab, name)  # first: a host that loses power closes no connection
        host.switch_off()


def reboot(lab: str, name: str) -> None:
    """Reboot a host from inside. Return when its old process 1 has ended.

    Raises:
        LabDownError: the lab is not up, or the host is off
        LabRequestError: it has no such host
        LabError: it does not go down
    """
    require_root()
    read_layout(lab).host(name)
    host = Host(lab, name)
    before = host.init()
    host.run("systemctl", "--no-block", "reboot")
    deadline = time.monotonic() + REBOOT_SECONDS
    while Path(f"/proc/{before}").exists():
        if time.monotonic() > deadline:
            raise LabError(f"{name} of lab {lab} has not shut down after {REBOOT_SECONDS} s")
        time.sleep(POLL)


def power_on(lab: str, name: str) -> None:
    """Switch a host on again with its disk, and wait until it answers.

    Raises:
        LabDownError: the lab is not up
        LabRequestError: it has no such host
        LabError: the host does not come up
    """
    require_root()
    with locked(f"lab-{lab}"):
        layout = read_layout(lab)
        layout.host(name)
        host = Host(lab, name)
        if not host.is_on:
            host.boot(layout)
        await_hosts(layout, [host], with_apiserver=[])


def _image(suite: str, packages: tuple[str, ...], progress: Progress) -> Image:
    image = ensure_image(suite, progress)
    return ensure_installed(image, packages, progress) if packages else image


def _bring_up(
    layout: Layout,
    images: Mapping[str, Image],
    untouched: set[str],
    progress: Progress,
    programs: Programs | None,
) -> None:
    login = _ensure_files(layout)
    hosts = [Host(layout.name, spec.name) for spec in layout.hosts]
    control_is_there = network.is_there(network.control_namespace(layout.name))
    for host in Host.all_of(layout.name):
        if host not in hosts or host.description != layout.host(host.name):
            untouched.discard(host.name)
            host.remove()
        elif not control_is_there:  # the bridge and every host's interface went with it
            untouched.discard(host.name)
            host.switch_off()
    network.ensure_control(layout)
    _make_disks(layout, hosts, images, login, programs)
    missing = [host for host in hosts if not host.is_on]
    if missing:
        progress(f"booting {len(missing)} hosts of lab {layout.name}")
        inotify.raise_limit(_hosts_on_machine() + len(missing))
    started = time.monotonic()
    for host in missing:
        host.boot(layout)
    await_hosts(layout, hosts, with_apiserver=missing)
    if missing:
        progress(f"{len(missing)} hosts answered after {time.monotonic() - started:.1f} s")
    if any(host.plane for host in layout.hosts):
        await_control_plane(layout)
        progress(f"the control plane is ready after {time.monotonic() - started:.1f} s")


def _ensure_files(layout: Layout) -> str:
    """Create the lab's folder with its keys and certificates, and return the public login key."""
    # cryptography takes 100 ms to import, and only `up` needs it
    from nornir_kube_ha.lab.control_plane import pki, plane  # noqa: PLC0415

    files = LabFiles(layout.name)
    LABS.mkdir(mode=0o755, parents=True, exist_ok=True)
    files.folder.mkdir(mode=0o700, exist_ok=True)
    pki.ensure_ca(files.pki)
    files.hosts.mkdir(mode=0o700, exist_ok=True)
    write_file(files.vips, "".join(f"{vip}\n" for vip in layout.vips))
    login = pki.ensure_ssh_key(files.private_key, f"controller@{layout.name}")
    addresses = [vip.ip for vip in layout.vips]
    addresses += [host.address.ip for host in layout.hosts if host.apiserver_port is not None]
    pki.ensure_service_account_key(files.pki)
    plane.write_kubeconfig(layout)
    pki.ensure_apiserver_certificate(files.pki, [*addresses, *map(ip_address, ("127.0.0.1", "::1"))], layout.dns)
    return login


def _make_disks(
    layout: Layout, hosts: list[Host], images: Mapping[str, Image], login: str, programs: Programs | None
) -> None:
    from nornir_kube_ha.lab.control_plane import plane  # noqa: PLC0415 - as above

    files = LabFiles(layout.name)
    for host in hosts:
        spec = layout.host(host.name)
        if host.description is None:
            host.remove()
            host.make_disk(layout, images[spec.suite], login)
        if spec.apiserver_port is not None:
            host.give_certificate(files.pki)
        if spec.plane and programs:
            plane.give_programs(host.folder, programs)
            plane.install(host.folder / "kube-apiserver", layout, spec, spec.plane)
    lines = (f"{layout.host(host.name).address.ip} {host.public_key}\n" for host in hosts)
    write_file(files.known_hosts, "".join(lines))


def _hosts_on_machine() -> int:
    return sum(len(cgroup.hosts_with_cgroup(lab)) for lab in cgroup.labs_with_cgroup())


def _take_down(lab: str, keep: Iterable[str] = ()) -> None:
    """Take a lab down, except the hosts in `keep`."""
    kept = set(keep)
    if not kept:
        cgroup.end(cgroup.healers_of(lab))
    for host in Host.all_of(lab):
        if host.name not in kept:
            host.remove()
    if kept:
        return
    network.remove_namespace(network.control_namespace(lab))
    for folder in (cgroup.labs_folder() / lab, cgroup.labs_folder()):
        with suppress(OSError):  # folders of other labs are still there
            folder.rmdir()
    if LabFiles(lab).folder.exists():
        shutil.rmtree(LabFiles(lab).folder)
    with suppress(OSError):
        LABS.rmdir()
    if not cgroup.labs_folder().exists():
        inotify.restore_limit()
