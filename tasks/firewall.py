"""The host's own firewall: accept what VRRP and haproxy need, by marked rules."""

import shlex
from collections.abc import Mapping
from typing import Literal

from nornir.core.task import Result, Task

from nornir_kube_ha.firewall.managers import MARK, PRIORITY
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.lease import guard

TIMEOUT = 60  # seconds; firewall-cmd takes about 0.25 for each rule
FIREWALL = ("nftables.sh", "firewall.sh")
OPEN = Script(FIREWALL, "wanted mark priority")


def marks() -> dict[str, str]:
    """Return what marks our rules, as inputs of firewall.sh."""
    return {"mark": MARK, "priority": str(PRIORITY)}


def change_firewall(
    task: Task,
    plans: Mapping[str, HostPlan],
    step: Literal["open", "close"],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Add or remove our rules in firewalld, ufw or nftables, live and for the next boot. Other rules are not touched.

    Arguments:
        plans: by host name, from `get_plan`
        step: `open` adds rules before anything relies on them, and removes none; `close` removes the rules that nothing
            relies on any more
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether any rule was added or removed, or would be in a dry run
          * diff (``str``): the rules

    Raises:
        RemoteCommandError: the firewall's manager rejects a rule
    """
    change = plans[task.host.name].firewall
    if change is None or not (rules := change.opened if step == "open" else change.closed):
        return Result(host=task.host, changed=False)
    if not task.is_dry_run(dry_run):
        wanted = (*change.wanted, *change.closed) if step == "open" else change.wanted
        call = f"open_in_{change.manager} {shlex.quote(change.place)}\n"
        script = OPEN.render(call, wanted="\n".join(wanted), **marks())
        run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    diff = change.opened_diff if step == "open" else change.closed_diff
    return Result(host=task.host, changed=bool(rules), diff=diff)
