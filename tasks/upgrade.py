"""Upgrades of the daemons' packages: what newer ones a host's package sources have, and having them."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import UnexpectedReplyError
from nornir_kube_ha.lease import Lease
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.packages import LOCK_TIMEOUT, TIMEOUT
from nornir_kube_ha.tasks.remote import assignments, load_script, run_script


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A package of which there is a newer one.

    Arguments:
        package: its name
        installed: version that the host has
        candidate: version that its package sources have
    """

    package: str
    installed: str
    candidate: str

    @property
    def diff(self) -> str:
        """As two lines of a diff."""
        return f"- package {self.package} {self.installed}\n+ package {self.package} {self.candidate}"


def get_upgrades(task: Task, *, refresh: bool = True, lease: Lease | None = None) -> Result:
    """What newer packages of haproxy and keepalived there are. Installs nothing.

    Arguments:
        refresh: whether the host reads its package sources again first; as they were last read else
        lease: the run's, without which nothing is done; none not to ask

    Returns:
        Result object with the following attributes set:
          * result (``tuple`` of :obj:`Upgrade`): one for each package that has a newer one

    Raises:
        RemoteCommandError: the package manager failed, or there is none that we know
        UnexpectedReplyError: the answer is not what the script prints
    """
    nonce = secrets.token_hex(8)
    script = guard(lease, seconds=TIMEOUT) + _script("list_newer", nonce=nonce, refresh="yes" if refresh else "")
    said = run_script(task, script, timeout=TIMEOUT).stdout
    lines = re.findall(rf"^@{nonce} (.+)$", said, re.MULTILINE)
    if not lines or lines.pop() != "end":
        raise UnexpectedReplyError(task.host.name, "the host's answer does not end as it should")
    return Result(host=task.host, result=tuple(Upgrade(*line.split()) for line in lines))


def upgrade_packages(
    task: Task,
    upgrades: Mapping[str, tuple[Upgrade, ...]],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Upgrade packages, and restart a daemon whose program is not the one any more that is installed.

    Where the VIP is held it goes to another node, as when haproxy or keepalived is stopped: move it away first.

    Arguments:
        upgrades: by host name, from `get_upgrades`
        dry_run: whether to only say what would be upgraded; Nornir's own setting if not given
        lease: the run's, without which nothing is done; none not to ask

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True
          * diff (``str``): the packages

    Raises:
        RemoteCommandError: the package manager failed, or a daemon did not start again
    """
    wanted = upgrades[task.host.name]
    diff = "\n".join(each.diff for each in wanted)
    if not task.is_dry_run(dry_run):
        script = _script("have_newer", packages=" ".join(each.package for each in wanted))
        run_script(task, guard(lease, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=True, diff=diff)


def _script(call: str, *, nonce: str = "", refresh: str = "", packages: str = "") -> str:
    variables = assignments(nonce=nonce, refresh=refresh, packages=packages, lock=str(LOCK_TIMEOUT))
    return f"{variables}{load_script('upgrade.sh')}{call}\n"
