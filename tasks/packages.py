"""Packages: the daemons, and the tools that inspect them."""

from collections.abc import Mapping

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import RemoteCommandError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import MANAGED_PATHS
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.package_managers import commands, functions
from nornir_kube_ha.planning.plan import HostPlan, missing_packages
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.facts import facts_of
from nornir_kube_ha.tasks.lease import guard

TIMEOUT = 900  # seconds; mirrors can be slow
REMEMBER_UNITS = Script(("generations.sh", "units.sh"), "managed replaced")
MANAGE = Script(("section.sh", "loads.sh", "packages.sh"), "nonce wanted upgrades downgrades lock known")
LOCK_TIMEOUT = 120  # seconds to wait for the package manager's lock while another program holds it


def install_packages(
    task: Task,
    intent: Intent,
    facts: Mapping[str, Facts] | None = None,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Install the packages that a node lacks, in the versions that the inventory pins.

    Arguments:
        intent: desired state, from the inventory
        facts: by host name, from an earlier `get_facts`; None gathers them now
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether anything was installed, or would be in a dry run
          * diff (``str``): the packages
          * result (``tuple`` of ``str``): their names, with the version of those that are pinned

    Raises:
        RemoteCommandError: the package manager failed, or is not supported
    """
    seen = facts_of(task, intent, facts)
    missing = missing_packages(intent.node(task.host.name), seen)
    diff = HostPlan(install=missing).packages_diff
    if not missing or task.is_dry_run(dry_run):
        return Result(host=task.host, changed=bool(missing), diff=diff, result=missing)
    if not seen.package_manager:
        words = f"expected one of {' or '.join(commands())} on {seen.os}; other package managers are not supported"
        raise RemoteCommandError(task.host.name, words)
    # A package may start and enable its unit, so the units' state before that is recorded first.
    before = REMEMBER_UNITS.render(managed=" ".join(MANAGED_PATHS), replaced="")
    script = before + manager_script("install_wanted", wanted="\n".join(missing))
    run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=True, diff=diff, result=missing)


def manager_script(calls: str, **variables: str) -> str:
    """Return a script that calls functions of packages.sh, with whichever package manager the host has.

    Arguments:
        calls: functions of packages.sh
        variables: that they need, by name in lower case
    """
    given = {"nonce": "", "wanted": "", "upgrades": "", "downgrades": ""} | variables
    known = {"lock": str(LOCK_TIMEOUT), "known": ", ".join(commands())}
    return functions() + MANAGE.render(f"{calls}\n", **given, **known)
