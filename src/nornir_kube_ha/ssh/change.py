"""A step on a host that says whether it changed anything."""

import secrets

from nornir.core.task import Task

from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.ssh.script import Script

ANSWER = Script(("section.sh",), "nonce")


def run_change(
    task: Task, functions: str, call: str, *, changes: str, guard: str, dry_run: bool, timeout: float
) -> bool:
    """Run a step, and return whether it changed anything. A dry run only asks the host whether it would.

    Arguments:
        task: on one host
        functions: the start of the script
        call: the step itself
        changes: a condition of the shell that is true where the step has something to change
        guard: the start of a script that changes a host, from `tasks.lease.guard`
        dry_run: whether to leave the step out
        timeout: seconds

    Raises:
        RemoteCommandError: the step failed
        UnexpectedReplyError: the host's answer is truncated
    """
    nonce = secrets.token_hex(8)
    ask = f"if {changes}; then section changed; fi\n"
    step = "" if dry_run else f"(\n{call}\n) || exit\n"
    script = f"{'' if dry_run else guard}{ANSWER.render(nonce=nonce)}{functions}{ask}{step}section end\n"
    done = run_script(task, script, timeout=timeout)
    with reading(task):
        return "changed" in sections_of(done.stdout, nonce)
