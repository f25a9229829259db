"""Configuration files: render them, stage them, validate them with the host's own daemons, put them live."""

import base64
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import jinja2
from nornir.core.task import Result, Task
from nornir_jinja2.plugins.tasks import template_file

from nornir_kube_ha.errors import (
    HostError,
    LeaseHeldError,
    RefusedConfigError,
    RefusedTemplateError,
)
from nornir_kube_ha.facts import ConfigCheck, Facts, Package
from nornir_kube_ha.firewall import openings
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import CONFIGURATIONS, MANAGED_PATHS
from nornir_kube_ha.inventory.merge import merged_data
from nornir_kube_ha.planning.diff import masked
from nornir_kube_ha.planning.found import as_found, refuse_unfound
from nornir_kube_ha.planning.generations import KEPT
from nornir_kube_ha.planning.lease import Lease, this_process
from nornir_kube_ha.planning.node_files import config_files
from nornir_kube_ha.planning.package_managers import family_of
from nornir_kube_ha.planning.plan import HostPlan, plan
from nornir_kube_ha.sections import list_sections, whole
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.facts import facts_of
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.selinux import selinux
from nornir_kube_ha.templating import environment, line_of, our_environment
from nornir_kube_ha.versions import features, upstream_version

STAGE = Script(("section.sh", "draft.sh", "loads.sh", "stage.sh"), "nonce managed write remove folders")
UNSTAGE = Script(("draft.sh", "unstage.sh"), "write")
COMMIT = Script(
    ("draft.sh", "generations.sh", "keep.sh", "units.sh", "selinux.sh", "commit.sh", "written.sh"),
    "managed write remove folders stale keep about replaced cluster scripts set_here",
)
TIMEOUT = 60  # seconds; both daemons together validate in well under one


def render_config(task: Task, intent: Intent, facts: Mapping[str, Facts] | None = None) -> Result:
    """Render a node's files for the versions of its daemons. Changes nothing on the host.

    Arguments:
        intent: desired state, from the inventory
        facts: by host name, from an earlier `get_facts`, for the daemons' versions; None gathers them now

    Returns:
        Result object with the following attributes set:
          * result (``tuple`` of :obj:`nornir_kube_ha.intent.config_file.ConfigFile`): the files, sorted by path

    Raises:
        RefusedTemplateError: a template of the inventory cannot be rendered
        PreflightError: `interface: auto`, and not exactly one interface has the node's address
    """
    seen = {task.host.name: facts_of(task, intent, None)} if facts is None else facts
    intent = as_found(intent, seen)
    node, cluster = intent.node(task.host.name), intent.cluster_of(task.host.name)
    refuse_unfound(node, seen[node.name])
    packages = seen[node.name].packages
    understood = features(*(_version(packages.get(name), node.packages.pin_of(name)) for name in CONFIGURATIONS))
    render = partial(_render, task, environment({each.name: each.text for each in node.templates}))
    family = family_of(seen[node.name].package_manager)
    return Result(host=task.host, result=config_files(cluster, node, understood, render, family))


def _version(package: Package | None, pin: str) -> tuple[int, ...]:
    """Return the version that a daemon has, or will have once it is installed."""
    if pin and not (package and package.installed):
        return upstream_version(pin)
    return package.upstream if package else ()


def get_plan(task: Task, intent: Intent, facts: Mapping[str, Facts] | None = None) -> Result:
    """Return what differs between a host and the inventory. Changes nothing.

    Arguments:
        intent: desired state, from the inventory
        facts: by host name, from an earlier `get_facts`; None gathers them now

    Returns:
        Result object with the following attributes set:
          * result (:obj:`nornir_kube_ha.planning.plan.HostPlan`): the differences
          * diff (``str``): the differences as text, without secrets
    """
    seen = {task.host.name: facts_of(task, intent, None)} if facts is None else facts
    intent = as_found(intent, seen)
    files = render_config(task, intent, seen).result
    node = intent.node(task.host.name)
    change = plan(node, files, seen[node.name], openings(intent.cluster_of(node.name), node))
    return Result(host=task.host, result=change, diff=change.diff)


def _render(task: Task, rendered_in: jinja2.Environment, template: str, values: dict[str, Any]) -> str:
    if rendered_in is our_environment():
        # Called, not run as a subtask: its result holds the password, and printers show the results of subtasks.
        text: str = template_file(task, template, jinja_env=rendered_in, **values).result
        return text
    try:
        return rendered_in.get_template(template).render(**values)  # not the host: its data holds the secrets
    except Exception as error:  # noqa: BLE001 - a template is a program, which can raise anything
        line = line_of(error)
        where = f"{template}, line {line}" if line else template
        raise RefusedTemplateError(task.host.name, f"template {where}: {error or type(error).__name__}") from None


def stage_config(
    task: Task,
    intent: Intent,
    plans: Mapping[str, HostPlan],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Stage the new files beside the live ones, and have the host's own haproxy and keepalived validate the whole set.

    Arguments:
        intent: desired state, from the inventory
        plans: by host name, from `get_plan`
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False: no live file was touched
          * diff (``str``): from the live files to the new ones, without secrets
          * result (``str``): the daemons' messages, if any

    Raises:
        RefusedConfigError: a daemon rejects the new files; they were removed from the host
        RemoteCommandError: the host could not write or validate them
    """
    change = plans[task.host.name]
    if not change.touches_files or task.is_dry_run(dry_run):
        return Result(host=task.host, changed=False, diff=change.files_diff, result="")
    nonce = secrets.token_hex(8)
    completed = run_script(
        task, guard(lease, task.host.name, seconds=TIMEOUT) + _stage_script(change, nonce), timeout=TIMEOUT
    )
    with reading(task):
        verdicts = worst_verdicts(completed.stdout, nonce)
    words = []
    for daemon, path in CONFIGURATIONS.items():
        judgement = verdicts[daemon]
        said = masked(judgement.words, intent.node(task.host.name))
        if not judgement.accepts:
            with suppress(HostError):  # report the rejection even if the drafts cannot be removed
                unstage_config(task, plans, lease=lease)
            message = f"{daemon} refuses the new {path} (exit status {judgement.status}):\n{said or '(no words)'}"
            raise RefusedConfigError(task.host.name, message)
        words.append(said)
    return Result(host=task.host, changed=False, diff=change.files_diff, result="\n".join(filter(None, words)))


def worst_verdicts(stdout: str, nonce: str) -> dict[str, ConfigCheck]:
    """Return each daemon's first rejection of the staged files; if there is none, its first verdict.

    A daemon gives one for each command that may start it with them.

    Arguments:
        stdout: of a script that ended with `judge` of stage.sh
        nonce: word that marks section lines

    Raises:
        ValueError: the output is truncated, or a daemon's verdict is missing
    """
    found: dict[str, ConfigCheck] = {}
    for name, words in list_sections(stdout, nonce):
        daemon, status = name.split()
        verdict = ConfigCheck(daemon, whole(status), words.strip())
        if daemon not in found or (found[daemon].accepts and not verdict.accepts):
            found[daemon] = verdict
    if missing := [daemon for daemon in CONFIGURATIONS if daemon not in found]:
        raise ValueError(f"no verdict of {' and '.join(missing)}")
    return found


def _stage_script(change: HostPlan, nonce: str) -> str:
    calls = [_stage_call(each.file, nonce) for each in change.write]
    return STAGE.render(
        "".join([*calls, "judge\n"]),
        nonce=nonce,
        managed=" ".join(MANAGED_PATHS),
        write=" ".join(each.file.path for each in change.write),
        remove=" ".join(change.remove),
        folders=" ".join(each.path for each in change.folders),
    )


def _stage_call(file: ConfigFile, nonce: str) -> str:
    content = base64.encodebytes(file.data).decode()
    return f"stage {file.path} {file.mode} {file.owner} {file.group} {file.sha256} <<'{nonce}'\n{content}{nonce}\n"


def unstage_config(
    task: Task, plans: Mapping[str, HostPlan], dry_run: bool | None = None, lease: Lease | None = None
) -> Result:
    """Remove staged files. If another run holds the lease by now, they are that run's and stay.

    Arguments:
        plans: by host name, what was staged
        dry_run: whether nothing was staged, so nothing is removed; None: Nornir's own setting
        lease: do nothing if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False: no live file was touched
    """
    paths = " ".join(each.file.path for each in plans[task.host.name].write)
    if not task.is_dry_run(dry_run):
        script = UNSTAGE.render(write=paths)
        with suppress(LeaseHeldError):
            run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=False)


def commit_config(
    task: Task, plans: Mapping[str, HostPlan], dry_run: bool | None = None, lease: Lease | None = None
) -> Result:
    """Put staged files live, each by one rename. The previous files are kept as a generation.

    Arguments:
        plans: by host name, what was staged
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether any live file changed, or would change in a dry run
          * diff (``str``): from the old files to the new ones, without secrets

    Raises:
        RemoteCommandError: a staged file is missing, or the host could not put it live
    """
    change = plans[task.host.name]
    if change.touches_files and not task.is_dry_run(dry_run):
        cluster = str(merged_data(task.host).get("cluster", ""))
        script = guard(lease, task.host.name, seconds=TIMEOUT) + commit_script(change, lease, cluster)
        run_script(task, script, timeout=TIMEOUT)
    return Result(host=task.host, changed=change.touches_files, diff=change.files_diff)


def commit_script(change: HostPlan, lease: Lease | None, cluster: str = "") -> str:
    """Return the script that puts a host's staged files live.

    Arguments:
        change: the host's plan
        lease: its run is named in the generation that is kept
        cluster: name of the cluster that the files are for
    """
    return COMMIT.render(
        managed=" ".join(MANAGED_PATHS),
        write="\n".join(f"{each.file.sha256} {each.file.path}" for each in change.write),
        remove=" ".join(change.remove),
        folders=" ".join(each.path for each in change.folders),
        stale=" ".join(change.stale_units),
        keep=str(KEPT),
        replaced=" ".join(change.replaces),
        cluster=cluster or "-",
        **selinux(),
        about=f"{lease.run_id if lease else '-'} {(lease.owner if lease else this_process()).user}",
    )


def upload_config(
    task: Task, intent: Intent, facts: Mapping[str, Facts] | None = None, dry_run: bool | None = None
) -> Result:
    """Render, stage, validate and put live the files of one node, in one task.

    A roll-out runs `stage_config` on all hosts before `apply_config` on the first.

    Arguments:
        intent: desired state, from the inventory
        facts: by host name, from an earlier `get_facts`; None gathers them now
        dry_run: whether to report only; None: Nornir's own setting

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether any live file changed, or would change in a dry run
          * diff (``str``): from the old files to the new ones, without secrets
          * result (:obj:`nornir_kube_ha.planning.plan.HostPlan`): what differed, for `change_services`

    Raises:
        RefusedConfigError: a daemon rejects the new files; no live file was touched
        RemoteCommandError: the host could not write them
    """
    plans: dict[str, HostPlan] = {task.host.name: get_plan(task, intent, facts).result}
    stage_config(task, intent, plans, dry_run)
    committed = commit_config(task, plans, dry_run)
    return Result(host=task.host, changed=committed.changed, diff=committed.diff, result=plans[task.host.name])
