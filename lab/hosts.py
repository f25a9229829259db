"""One host of a lab: its disk, boot and end, and commands inside it."""

import json
import shutil
import sys
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_interface
from pathlib import Path
from typing import Self

from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab import network
from nornir_kube_ha.lab.errors import LabDownError, LabError, LabRequestError
from nornir_kube_ha.lab.images.image import Image
from nornir_kube_ha.lab.layout import ControlPlane, LabHost, Layout, check_lab_name
from nornir_kube_ha.lab.machine import cgroup
from nornir_kube_ha.lab.machine.command import run
from nornir_kube_ha.lab.state import LabFiles

_HERE = Path(__file__).parent
_UNIT = "kube-apiserver.service"
_STAND_IN = {_UNIT: _UNIT}
_REAL = {
    "real-kube-apiserver.service": _UNIT,
    **{name: name for name in ("etcd.service", "kube-controller-manager.service")},
}
"""systemd units: the name of our file, and that on the host."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host of a lab, as it is on this machine.

    Arguments:
        lab: the lab's name
        name: the host's name
    """

    lab: str
    name: str

    @property
    def folder(self) -> Path:
        """Folder of its disk and its console's log."""
        return LabFiles(self.lab).hosts / self.name

    @property
    def cgroup(self) -> Path:
        """Cgroup of all its processes."""
        return cgroup.cgroup_of(self.lab, self.name)

    @property
    def is_on(self) -> bool:
        """Whether any of its processes is alive."""
        return cgroup.is_populated(self.cgroup)

    @property
    def description(self) -> LabHost | None:
        """What it was made as; None if its disk is incomplete."""
        try:
            seen = json.loads((self.folder / "host.json").read_text())
        except FileNotFoundError:
            return None
        address, *also = map(ip_interface, (seen["address"], *seen.get("also", ())))
        port, suite = seen["apiserver_port"], seen.get("suite", "")
        plane = ControlPlane(**seen["plane"]) if seen.get("plane") else None
        return LabHost(self.name, seen["interface"], address, port, suite, tuple(also), plane)

    @property
    def image(self) -> Image:
        """The image below its disk."""
        return Image((self.folder / "image").readlink())

    @property
    def public_key(self) -> str:
        """The public key of its SSH server, in OpenSSH's format without a comment."""
        words = (self.folder / "upper/etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        return " ".join(words[:2])

    @property
    def last_words(self) -> str:
        """The last lines on its console."""
        try:
            lines = (self.folder / "console.log").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "it has no console yet"
        return "\n".join(lines[-10:]) or "its console is empty"

    @classmethod
    def all_of(cls, lab: str) -> list[Self]:
        """Return every host of which anything is left: a disk, a namespace or a cgroup."""
        disks = {path.name for path in LabFiles(lab).hosts.glob("*/")}
        names = disks | network.hosts_with_namespace(lab) | cgroup.hosts_with_cgroup(lab)
        return [cls(lab, name) for name in sorted(names)]

    def make_disk(self, layout: Layout, image: Image, login: str) -> None:
        """Make its disk: a new layer over the image, with its names and keys.

        Arguments:
            layout: the lab's layout
            image: the image below the disk
            login: public key that may log in as root
        """
        from nornir_kube_ha.lab.control_plane.pki import ensure_ssh_key  # noqa: PLC0415 - 100 ms that a reboot need not wait

        spec = layout.host(self.name)
        draft = self.folder.with_name(f".{self.name}")
        shutil.rmtree(draft, ignore_errors=True)
        for folder in ("upper/root/.ssh", "upper/etc/ssh", "work", "root", "kube-apiserver"):
            (draft / folder).mkdir(parents=True)
        for folder in ("upper/root", "upper/root/.ssh", "kube-apiserver"):
            (draft / folder).chmod(0o700)
        ensure_ssh_key(draft / "upper/etc/ssh/ssh_host_ed25519_key", f"root@{spec.hostname}")
        write_file(draft / "upper/root/.ssh/authorized_keys", login, 0o600)
        write_file(draft / "upper/etc/hostname", f"{spec.hostname}\n", 0o644)
        write_file(draft / "upper/etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
        write_file(draft / "upper/etc/hosts", hosts_file(layout), 0o644)
        if spec.apiserver_port is not None:
            _enable(draft, _REAL if spec.plane else _STAND_IN)
            if not spec.plane:
                _install_stand_in(draft, spec.apiserver_port)
        (draft / "image").symlink_to(image.folder)
        write_file(draft / "host.json", describe(spec))
        draft.rename(self.folder)

    def boot(self, layout: Layout) -> None:
        """Switch it on with a new network. Return at once, without waiting until it is up.

        Arguments:
            layout: the lab's layout

        Raises:
            LabError: its process could not be started
        """
        network.make_host(layout, layout.host(self.name))
        self.cgroup.mkdir(mode=0o755, parents=True, exist_ok=True)
        image, folder = self.image, self.folder
        namespace = network.host_namespace(self.lab, self.name)
        where = [str(path) for path in (folder, image.root, image.pool, folder / "console.log")]
        script, hostname = _HERE / "boot.sh", (folder / "upper/etc/hostname").read_text().strip()
        again = [sys.executable, "-m", "nornir_kube_ha.lab.reboot", self.lab, self.name]
        run(["sh", str(script), str(self.cgroup), namespace, hostname, *where, *again])

    def switch_off(self) -> None:
        """Kill all its processes at once, as a power loss does, and remove its network. Its disk stays."""
        cgroup.end(self.cgroup)
        network.remove_namespace(network.host_namespace(self.lab, self.name))

    def remove(self) -> None:
        """Switch it off and delete its disk."""
        self.switch_off()
        for folder in (self.folder, self.folder.with_name(f".{self.name}")):
            if folder.exists():
                shutil.rmtree(folder)

    def init(self) -> int:
        """Return the id of the process that is process 1 inside it.

        Raises:
            LabDownError: it is off
        """
        for process in cgroup.processes(self.cgroup):
            try:
                status = Path(f"/proc/{process}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            ids = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
            if len(ids) > 1 and ids[-1] == "1":
                return process
        raise LabDownError(f"{self.name} of lab {self.lab} is off")

    def run(self, *argv: str, seconds: float = 30, stdin: str | None = None) -> str:
        """Run a command inside it, without a network, and return the standard output.

        Arguments:
            argv: the command and its arguments
            seconds: how long it may take
            stdin: the command's input; None: empty

        Raises:
            LabDownError: it is off
            LabError: the command failed
        """
        return run(["nsenter", "--all", "--target", str(self.init()), "--", *argv], seconds=seconds, stdin=stdin)

    def set_apiserver(self, mode: str) -> None:
        """Change how its kube-apiserver behaves.

        Arguments:
            mode: `ok`, `error` (its etcd is away), `hang`, or `gone` (its unit is stopped). A stand-in also has `slow`,
                `slow SECONDS` and `unauthorized`, from the next request on

        Raises:
            LabDownError: the host is off
            LabRequestError: a real kube-apiserver does not have this mode
            LabError: it has no apiserver
        """
        if (spec := self.description) and spec.plane:
            self._set_real_apiserver(mode)
            return
        folder = self.folder / "kube-apiserver"
        if not (folder / "apiserver.py").exists():
            raise LabError(f"{self.name} of lab {self.lab} has no kube-apiserver")
        if mode == "gone":
            self.run("systemctl", "stop", _UNIT)
            return
        write_file(folder / "mode", f"{mode}\n")
        self.run("systemctl", "start", _UNIT)

    def _set_real_apiserver(self, mode: str) -> None:
        commands = {
            "ok": f"systemctl start etcd {_UNIT} && systemctl kill --signal CONT {_UNIT}",
            "error": "systemctl stop etcd",
            "hang": f"systemctl kill --signal STOP {_UNIT}",
            "gone": f"systemctl stop {_UNIT}",
        }
        if mode not in commands:
            raise LabRequestError(f"expected a mode of a real kube-apiserver ({', '.join(commands)}), got {mode!r}")
        self.run("sh", "-c", commands[mode])

    def give_certificate(self, pki: Path) -> None:
        """Copy the lab's apiserver certificate to where its apiserver, running or not, loads it from."""
        for name in ("apiserver.key", "apiserver.crt"):  # the certificate last: its change triggers loading both
            source, target = pki / name, self.folder / "kube-apiserver" / name
            if not target.exists() or target.read_bytes() != source.read_bytes():
                write_file(target, source.read_bytes(), 0o600)


def read_layout(lab: str) -> Layout:
    """Return the layout that a lab was last brought up with.

    Raises:
        LabDownError: it is not up
    """
    hosts = tuple(spec for spec in (host.description for host in Host.all_of(check_lab_name(lab))) if spec)
    files = LabFiles(lab)
    if not hosts or not files.vips.exists():
        raise LabDownError(f"lab {lab} is not up; start it with: kube-ha lab up")
    return Layout(lab, hosts, tuple(map(ip_interface, files.vips.read_text().split())))


def kubeconfig_of(lab: str, cluster: str) -> Path | None:
    """Return a lab's kubeconfig, or None if a cluster in it has no real control plane.

    The context for the cluster has the cluster's name.

    Arguments:
        lab: name of the lab
        cluster: name of a cluster in it

    Raises:
        LabDownError: it is not up
    """
    planes = {host.plane.cluster for host in read_layout(lab).hosts if host.plane}
    return LabFiles(lab).kubeconfig if cluster in planes else None


def describe(spec: LabHost) -> str:
    """Return the record that is kept beside a host's disk, to tell later whether the host still matches the layout."""
    facts = {"interface": spec.interface, "address": str(spec.address), "apiserver_port": spec.apiserver_port}
    plane = asdict(spec.plane) if spec.plane else None
    return json.dumps({**facts, "suite": spec.suite, "also": [*map(str, spec.also)], "plane": plane}) + "\n"


def hosts_file(layout: Layout) -> str:
    """Return /etc/hosts of every host: the lab has no DNS."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    return "\n".join([*lines, *(f"{host.address.ip} {host.hostname}" for host in layout.hosts)]) + "\n"


def _enable(draft: Path, units: Mapping[str, str]) -> None:
    folder = draft / "upper/etc/systemd/system"
    (folder / "multi-user.target.wants").mkdir(parents=True)
    for source, name in units.items():
        write_file(folder / name, (_HERE / "control_plane" / source).read_text(), 0o644)
        (folder / "multi-user.target.wants" / name).symlink_to(f"/etc/systemd/system/{name}")


def _install_stand_in(draft: Path, port: int) -> None:
    write_file(draft / "kube-apiserver/apiserver.py", (_HERE / "control_plane/stand_in.py").read_text())
    write_file(draft / "kube-apiserver/environment", f"PORT={port}\n")
    write_file(draft / "kube-apiserver/mode", "ok\n")
