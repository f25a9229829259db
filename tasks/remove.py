"""Taking everything off a host again."""

import secrets
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from nornir.core.task import Result, Task

from nornir_kube_ha.config import MANAGED_PATHS
from nornir_kube_ha.generations import FOLDER
from nornir_kube_ha.lease import Lease
from nornir_kube_ha.plan import UNITS
from nornir_kube_ha.tasks.firewall import FIREWALL, marks
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.remote import assignments, load_script, run_script
from nornir_kube_ha.tasks.selinux import selinux

NO_VIPS: Mapping[str, Iterable[str]] = MappingProxyType({})
TIMEOUT = 120  # seconds; systemd's own limit for a stop is 90
STEPS = (
    "stop keepalived and haproxy, and start neither at boot",
    *(f"remove {path}" for path in MANAGED_PATHS),
    "put back the files that were there before the first deploy, and start the units that ran then",
    "close in the firewall what kube-ha opened",
)
"""What is done, a few words each."""


def remove_config(
    task: Task, dry_run: bool | None = None, lease: Lease | None = None, vips: Mapping[str, Iterable[str]] = NO_VIPS
) -> Result:
    """Stop and disable keepalived and haproxy, and take every file and firewall rule of ours away. Packages stay.

    What stood in the place of our files before the first of them is put back, and the units run and start at boot if
    they did so then.

    Arguments:
        dry_run: whether to only say so; Nornir's own setting if not given
        lease: the run's, without which nothing is done; none not to ask
        vips: by host name, those of its cluster: an old keepalived.conf that has one of them stays without effect,
            since other nodes hold it

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True
          * diff (``str``): what goes
          * result (``bool``): whether keepalived ran before the first deploy, and waits for that reason

    Raises:
        RemoteCommandError: a unit does not stop or start, or a file does not go
    """
    running: list[str] = []
    waits = False
    if not task.is_dry_run(dry_run):
        nonce = secrets.token_hex(8)
        variables = assignments(nonce=nonce, managed=" ".join(MANAGED_PATHS), kept=FOLDER, **marks(), **selinux())
        variables += assignments(vips=" ".join(vips.get(task.host.name, ())))
        scripts = map(load_script, ("draft.sh", *FIREWALL, "selinux.sh", "remove.sh"))
        script = "".join([guard(lease, task.host.name, seconds=TIMEOUT), variables, *scripts])
        done = run_script(task, script, timeout=TIMEOUT)
        running = [unit for unit in UNITS if f"@{nonce} unit {unit}" in done.stdout.splitlines()]
        waits = f"@{nonce} waits keepalived" in done.stdout.splitlines()
    lines = ["- keepalived, haproxy: stopped, and not started at boot", *(f"- {path}" for path in MANAGED_PATHS)]
    lines += [f"+ {unit}: runs again, with the file that was there before the first deploy" for unit in running]
    lines.append("- firewall rules that kube-ha added")
    return Result(host=task.host, changed=True, diff="\n".join(lines), result=waits)


def start_keepalived(task: Task, dry_run: bool | None = None, lease: Lease | None = None) -> Result:
    """Start keepalived, now and at boot, with the file that is there.

    Arguments:
        dry_run: whether to only say so; Nornir's own setting if not given
        lease: the run's, without which nothing is done; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True
          * diff (``str``): what runs

    Raises:
        RemoteCommandError: it does not start
    """
    if not task.is_dry_run(dry_run):
        script = guard(lease, task.host.name, seconds=TIMEOUT) + "systemctl enable --quiet --now keepalived >&2\n"
        run_script(task, script, timeout=TIMEOUT)
    diff = "+ keepalived: runs again, with the file that was there before the first deploy"
    return Result(host=task.host, changed=True, diff=diff)
