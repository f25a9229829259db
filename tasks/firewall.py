"""The host's own firewall: what VRRP and haproxy need is let through, by rules that are known as ours."""

from collections.abc import Mapping
from typing import Literal

from nornir.core.task import Result, Task

from nornir_kube_ha.firewall.managers import MARK, PRIORITY
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.ssh.remote import assignments, load_script, run_script
from nornir_kube_ha.tasks.lease import guard

TIMEOUT = 60  # seconds; firewall-cmd takes a quarter of one for each rule
FIREWALL = ("nftables.sh", "firewall.sh")


def marks() -> dict[str, str]:
    """How the scripts know our rules, as `assignments` wants it."""
    return {"mark": MARK, "priority": str(PRIORITY)}


def change_firewall(
    task: Task,
    plans: Mapping[str, HostPlan],
    step: Literal["open", "close"],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Have firewalld, ufw or nftables let through what is needed, now and after a boot. Nobody else's rule is touched.

    Arguments:
        plans: by host name, from `get_plan`
        step: `open` what is needed, before anything relies on it (what was stays as it is); or `close` what was, once
            nothing does any more
        dry_run: whether to only say what would be told; Nornir's own setting if not given
        lease: the run's, without which nothing is done; none not to ask

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether any rule was, or in a dry run would be, added or taken away
          * diff (``str``): which

    Raises:
        RemoteCommandError: the firewall's manager refuses a rule
    """
    change = plans[task.host.name].firewall
    if change is None or not (rules := change.opened if step == "open" else change.closed):
        return Result(host=task.host, changed=False)
    if not task.is_dry_run(dry_run):
        wanted = (*change.wanted, *change.closed) if step == "open" else change.wanted
        variables = assignments(wanted="\n".join(wanted), **marks())
        call = assignments(place=change.place) + f'open_in_{change.manager} "$PLACE"\n'
        scripts = map(load_script, FIREWALL)
        run_script(
            task, "".join([guard(lease, task.host.name, seconds=TIMEOUT), variables, *scripts, call]), timeout=TIMEOUT
        )
    diff = change.opened_diff if step == "open" else change.closed_diff
    return Result(host=task.host, changed=bool(rules), diff=diff)
