"""The verbs of `kube-ha lab`: boot an inventory's hosts on this machine, inspect, break and remove them."""

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from nornir_kube_ha.cli.exit_codes import tell
from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.lab import lifecycle, network
from nornir_kube_ha.lab.errors import LabDownError, LabRequestError
from nornir_kube_ha.lab.hosts import Host, read_layout
from nornir_kube_ha.lab.images.programs import TOOLS, ensure_programs
from nornir_kube_ha.lab.layout import Layout, check_lab_name
from nornir_kube_ha.lab.state import LabFiles
from nornir_kube_ha.lab.status import HostStatus, status
from nornir_kube_ha.text import clean

if TYPE_CHECKING:
    from nornir_kube_ha.intent import Intent


def run_up(options: argparse.Namespace) -> int:
    """Run `lab up`."""
    lifecycle.require_root()
    # These import facts and intent, which the other verbs do not need.
    from nornir_kube_ha.lab.intent import has_real_plane, layouts_of, with_control_plane  # noqa: PLC0415
    from nornir_kube_ha.planning.plan import PACKAGES  # noqa: PLC0415

    intent = with_control_plane(_intent(options.inventory), options.control_plane, options.etcd)
    programs = ensure_programs(options.kube_apiserver, _progress) if has_real_plane(intent) else None
    if programs:
        _progress(f"control plane: kube-apiserver {programs.version}")
    layouts = layouts_of(intent, programs.version if programs else "")
    for layout in layouts:
        lifecycle.up(layout, _progress, PACKAGES if options.installed else (), programs)
    for layout in layouts:
        _print_table(status(layout.name))
    return 0


def run_down(options: argparse.Namespace) -> int:
    """Run `lab down`. It succeeds also if no lab is up."""
    lifecycle.require_root()
    if options.lab is None and not lifecycle.labs():
        _progress("no lab is up")
        return 0
    lab = _lab(options)
    was_up = lab in lifecycle.labs()
    lifecycle.down(lab)  # also removes what an interrupted `lab up` may have left
    _progress(f"took lab {lab} down" if was_up else f"lab {lab} is not up; nothing to take down")
    return 0


def run_status(options: argparse.Namespace) -> int:
    """Run `lab status`."""
    lab = _lab(options)
    hosts = status(lab)
    if not hosts:
        raise LabDownError(f"lab {lab} is not up; start it with: kube-ha lab up")
    _progress(f"lab {lab}")
    _print_table(hosts)
    return 0 if all(host.answers for host in hosts) else 1


def run_ssh(options: argparse.Namespace) -> NoReturn:
    """Run `lab ssh`: replace this process with ssh, which then has the terminal and sets the exit code."""
    layout = read_layout(_lab(options))
    command = ssh_command(layout, options.host, options.command, terminal=sys.stdin.isatty() and sys.stdout.isatty())
    network.enter(layout.name)
    os.execvp(command[0], command)  # noqa: S606 - needs no shell


def run_exec(options: argparse.Namespace) -> NoReturn:
    """Run `lab exec`: replace this process with the command."""
    lab = _lab(options)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise LabRequestError("lab exec: expected a command, for example: kube-ha lab exec -- ip route")
    network.enter(lab)
    try:
        os.execvp(command[0], command)  # noqa: S606 - needs no shell
    except FileNotFoundError:
        raise LabRequestError(f"lab exec: {command[0]}: command not found on this machine") from None


def run_kubectl(options: argparse.Namespace) -> NoReturn:
    """Run `lab kubectl`: replace this process with kubectl, using the lab's kubeconfig."""
    lab = _lab(options)
    kubeconfig = LabFiles(lab).kubeconfig
    if not kubeconfig.exists():
        raise LabRequestError(
            f"lab {lab} has no real control plane; start one with: kube-ha lab up --control-plane real"
        )
    kubectl = TOOLS.ensure(_progress) / "kubectl"
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    network.enter(lab)
    os.execve(kubectl, [str(kubectl), *command], {**os.environ, "KUBECONFIG": str(kubeconfig)})  # noqa: S606


def run_apiserver(options: argparse.Namespace) -> int:
    """Run `lab apiserver`."""
    layout = read_layout(_lab(options))
    mode = f"slow {options.seconds:f}" if options.mode == "slow" else options.mode
    Host(layout.name, layout.host(options.host).name).set_apiserver(mode)
    return 0


def run_off(options: argparse.Namespace) -> int:
    """Run `lab off`."""
    lifecycle.power_off(_lab(options), options.host)
    return 0


def run_on(options: argparse.Namespace) -> int:
    """Run `lab on`."""
    lifecycle.power_on(_lab(options), options.host)
    return 0


def ssh_command(layout: Layout, host: str, command: list[str], *, terminal: bool) -> list[str]:
    """Return the ssh command for a host, with the lab's key and known_hosts, and without the user's ssh_config.

    Arguments:
        layout: the lab's layout
        host: the host's name
        command: what to run there; empty: a login shell
        terminal: whether ssh allocates a terminal
    """
    files = LabFiles(layout.name)
    settings = (
        f"UserKnownHostsFile={files.known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "BatchMode=yes",
        "LogLevel=ERROR",
    )
    return [
        *("ssh", "-F", "none", "-i", str(files.private_key)),
        *(word for setting in settings for word in ("-o", setting)),
        *(["-t"] if terminal else []),
        f"root@{layout.host(host).address.ip}",
        *command,
    ]


def _lab(options: argparse.Namespace) -> str:
    lifecycle.require_root()
    if options.lab is not None:
        return check_lab_name(options.lab)
    labs = lifecycle.labs()
    if len(labs) > 1:
        with suppress(KubeHaError):  # prefer the labs that the inventory in use names
            labs = [layout.name for layout in _layouts(None) if layout.name in labs] or labs
    if len(labs) > 1:
        raise LabRequestError(f"several labs are up; choose one with --lab: {', '.join(labs)}")
    if not labs:
        raise LabDownError("no lab is up; start one with: kube-ha lab up")
    return labs[0]


def _layouts(inventory: Path | None) -> tuple[Layout, ...]:
    from nornir_kube_ha.lab.intent import layouts_of  # noqa: PLC0415 - that the other verbs need not wait

    return layouts_of(_intent(inventory))


def _intent(inventory: Path | None) -> "Intent":
    from nornir_kube_ha.cli.selection import find_inventory, open_inventory  # noqa: PLC0415 - the same
    from nornir_kube_ha.inventory.load import load_intent  # noqa: PLC0415 - with Nornir, a quarter of a second

    nornir = open_inventory(find_inventory(inventory))
    return load_intent(nornir, read_files=False)  # it may name the CA of a lab that is not up yet


def _progress(line: str) -> None:
    tell(line)


def _print_table(hosts: list[HostStatus]) -> None:
    width = max(len(host.name) for host in hosts)
    for host in hosts:
        state = "up" if host.answers else "on" if host.is_on else "down"
        address = str(host.address or "-")
        sys.stdout.write(
            clean(f"{host.name:{width}}  {address:18}  {state:4}  {'' if host.answers else host.seen}".rstrip()) + "\n"
        )
