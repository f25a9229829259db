"""Remove everything of kube-ha from a host."""

import secrets
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from nornir.core.task import Result, Task

from nornir_kube_ha.intent.names import MANAGED_PATHS, VRRP_MAC, WATCH
from nornir_kube_ha.planning.generations import FOLDER
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import UNITS
from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.ssh.change import run_change
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.firewall import FIREWALL, marks
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.selinux import selinux

NO_VIPS: Mapping[str, Iterable[str]] = MappingProxyType({})
REMOVE = Script(
    ("section.sh", "draft.sh", *FIREWALL, "selinux.sh", "generations.sh", "origins.sh", "watch.sh", "remove.sh"),
    "nonce managed kept family dry vips mark priority scripts set_here watch vrrp_mac",
)
TIMEOUT = 120  # seconds; systemd's default limit for a stop is 90
STEPS = (
    "stop keepalived and haproxy, and start neither at boot",
    *(f"remove {path}" for path in MANAGED_PATHS),
    "restore the files from before the first deploy, and start the units that ran then",
    "remove kube-ha's rules from the firewall",
)
"""What is done, in a few words each."""


def remove_config(
    task: Task, dry_run: bool | None = None, lease: Lease | None = None, vips: Mapping[str, Iterable[str]] = NO_VIPS
) -> Result:
    """Stop and disable keepalived and haproxy, and remove kube-ha's files and firewall rules. Packages stay.

    Files from before the first deploy are put back. Units run and start at boot again if they did so before. A foreign
    file that has replaced kube-ha's stays, and so does its unit.

    Arguments:
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check
        vips: by host name, its cluster's VIPs: keepalived is not started with an old file that has one, since other
            nodes hold it

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether anything of kube-ha is there
          * diff (``str``): what is removed
          * result (``bool``): whether keepalived ran before the first deploy, and waits because of `vips`

    Raises:
        RemoteCommandError: a unit does not stop or start, or a file cannot be removed
    """
    nonce, dry = secrets.token_hex(8), task.is_dry_run(dry_run)
    script = REMOVE.render(
        nonce=nonce,
        managed=" ".join(MANAGED_PATHS),
        kept=FOLDER,
        family="",
        dry="yes" if dry else "",
        vips=" ".join(vips.get(task.host.name, ())),
        watch=WATCH,
        vrrp_mac=VRRP_MAC,
        **marks(),
        **selinux(),
    )
    start = "" if dry else guard(lease, task.host.name, seconds=TIMEOUT)
    done = run_script(task, start + script, timeout=TIMEOUT)
    with reading(task):
        told = sections_of(done.stdout, nonce)
    if "nothing" in told:
        return Result(host=task.host, changed=False, diff="", result=False)
    return Result(host=task.host, changed=True, diff=_diff(told), result="waits keepalived" in told)


def _diff(told: Collection[str]) -> str:
    """Return what was removed and what stays, from the script's report."""
    foreign = [path for path in MANAGED_PATHS if f"foreign {path}" in told]
    stopped = [unit for unit in reversed(UNITS) if not any(f"/{unit}.c" in path for path in foreign)]
    lines = [f"- {', '.join(stopped)}: stopped, and not started at boot"] if stopped else []
    lines += [f"- {path}" for path in MANAGED_PATHS if path not in foreign]
    lines += [f"  {path} stays, because kube-ha did not write it" for path in foreign]
    lines += [
        f"+ {unit}: runs again, with its file from before the first deploy" for unit in UNITS if f"unit {unit}" in told
    ]
    return "\n".join([*lines, "- firewall rules that kube-ha added"])


def start_keepalived(task: Task, dry_run: bool | None = None, lease: Lease | None = None) -> Result:
    """Start keepalived, now and at boot, with the file that is there.

    Arguments:
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether it did not run, or not start at boot
          * diff (``str``): what runs again

    Raises:
        RemoteCommandError: it does not start
    """
    changed = run_change(
        task,
        "",
        "systemctl enable --quiet --now keepalived >&2",
        changes="! systemctl --quiet is-active keepalived || ! systemctl --quiet is-enabled keepalived",
        guard=guard(lease, task.host.name, seconds=TIMEOUT),
        dry_run=task.is_dry_run(dry_run),
        timeout=TIMEOUT,
    )
    diff = "+ keepalived: runs again, with its file from before the first deploy" if changed else ""
    return Result(host=task.host, changed=changed, diff=diff)
