"""Upgrade the daemons' packages: find those that need another version, and install it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import DowngradeRefusedError, PackageHeldError
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import UNITS
from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.packages import TIMEOUT, manager_script


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A package that needs another version.

    Arguments:
        package: its name
        installed: version on the host
        wanted: version that the inventory pins, or else the newest of the host's package sources
        direction: `newer` or `older` than the installed version
    """

    package: str
    installed: str
    wanted: str
    direction: str

    @property
    def words(self) -> str:
        """The change in words: `upgrade haproxy 2.6.12-1 to 2.6.12-2`."""
        verb = "upgrade" if self.direction == "newer" else "downgrade"
        return f"{verb} {self.package} {self.installed} to {self.wanted}"

    @property
    def diff(self) -> str:
        """The change as two lines of a diff."""
        return f"- package {self.package} {self.installed}\n+ package {self.package} {self.wanted}"


def get_upgrades(
    task: Task,
    intent: Intent,
    *,
    refresh: bool = True,
    allow_downgrade: bool = False,
    lease: Lease | None = None,
) -> Result:
    """Return which of haproxy and keepalived are not at the pinned version, or unpinned not at the newest.

    Installs nothing.

    Arguments:
        intent: desired state, from the inventory
        refresh: whether the host reads its package sources again first
        allow_downgrade: whether a pinned version may be older than the installed one
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * result (``tuple`` of :obj:`Upgrade`): one for each such package

    Raises:
        PackageHeldError: the package manager holds one of them
        DowngradeRefusedError: a pinned version is older than the installed one
        RemoteCommandError: no package source has a pinned version, the package manager failed, or is not
            supported
        UnexpectedReplyError: the host's answer cannot be parsed
    """
    nonce, pins = secrets.token_hex(8), intent.node(task.host.name).packages
    wanted = "\n".join(f"{name} {pins.pin_of(name)}" for name in UNITS)
    script = manager_script("refresh\nlist_changes" if refresh else "list_changes", nonce=nonce, wanted=wanted)
    said = run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT).stdout
    with reading(task):
        lines = [*sections_of(said, nonce)]
    if held := [line.split(maxsplit=4)[1:] for line in lines if line.startswith("held ")]:
        words = "; ".join(
            f"{package} is held at {installed}, so it cannot change to {version}. Release it with `{how}`"
            for package, installed, version, how in held
        )
        pin = "or pin the installed version with packages.NAME in the inventory"
        raise PackageHeldError(task.host.name, f"{words}, {pin}; nothing was changed")
    upgrades = tuple(Upgrade(*line.split()) for line in lines)
    if not allow_downgrade and (back := [each for each in upgrades if each.direction == "older"]):
        words = ", ".join(f"{each.package} {each.installed} is newer than the pinned {each.wanted}" for each in back)
        raise DowngradeRefusedError(task.host.name, f"{words}; pass --allow-downgrade to install the pinned version")
    return Result(host=task.host, result=upgrades)


def upgrade_packages(
    task: Task,
    upgrades: Mapping[str, tuple[Upgrade, ...]],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Upgrade or downgrade packages. A daemon that still runs a replaced program restarts; haproxy may reload instead.

    On the VIP holder, the VIP then goes to another node, as when haproxy or keepalived stops. Move it away first.

    Arguments:
        upgrades: by host name, from `get_upgrades`
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether a package was at another version, or a daemon ran a replaced program
          * diff (``str``): the packages

    Raises:
        RemoteCommandError: the package manager failed, or a daemon did not start again
    """
    wanted, nonce, dry = upgrades[task.host.name], secrets.token_hex(8), task.is_dry_run(dry_run)
    lines = {
        way: "\n".join(f"{each.package} {each.wanted}" for each in wanted if each.direction == way)
        for way in ("newer", "older")
    }
    call = "would_change" if dry else "change"
    script = manager_script(call, nonce=nonce, upgrades=lines["newer"], downgrades=lines["older"])
    start = "" if dry else guard(lease, task.host.name, seconds=TIMEOUT)
    said = run_script(task, start + script, timeout=TIMEOUT).stdout
    with reading(task):
        changed = "changed" in sections_of(said, nonce)
    return Result(host=task.host, changed=changed, diff="\n".join(each.diff for each in wanted) if changed else "")
