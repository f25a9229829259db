"""A host's lease: take it, check it, release it, so that one run at a time changes the host."""

import secrets
from collections.abc import Collection, Mapping

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import LeaseHeldError, UnexpectedReplyError, lost_lease
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent.names import MANAGED_PATHS
from nornir_kube_ha.planning.lease import BOOTED, LEASE_SECONDS, Holder, Lease
from nornir_kube_ha.sections import list_sections
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.text import one_line

LEASE = Script(("lease.sh",), "run_id owner lease_seconds number gone")
TELL = Script(("section.sh",), "nonce")
MARK_GOOD = Script(("generations.sh",), "managed")
HELD = "75"  # lease.sh's exit status if another run holds the lease
LEASE_FILE = "/run/kube-ha-lease"
MOST_GONE = 3  # ended runs whose lease is taken over in a row; a host that names more is not trustworthy
TIMEOUT = 15  # seconds; the lock on the lease is held only while a line is written


def take_lease(
    task: Task,
    lease: Lease,
    facts: Mapping[str, Facts] | None = None,
    dry_run: bool | None = None,
    *,
    seconds: float = 0,
) -> Result:
    """Take a host's lease, or prolong it. A lease whose run has ended on this machine is taken over.

    Arguments:
        lease: this run's; the number that the host gives it is stored there
        facts: by host name, the `get_facts` results that the plan is based on
        dry_run: whether to take none; None: Nornir's own setting
        seconds: added to the time that the lease lasts without a step

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False: the host's configuration is not touched
          * result (``bool``): whether another run has held the lease since those facts

    Raises:
        LeaseHeldError: another run holds the lease
        LeaseLostError: this run held it, but another run has held it since, or the host was booted
        UnexpectedReplyError: the lease cannot be parsed, or names one ended run after another
    """
    if task.is_dry_run(dry_run):
        return Result(host=task.host, changed=False, result=False)
    name, number = task.host.name, lease.numbers.get(task.host.name, "")
    answer, words = _ask(task, lease, seconds, number=number)
    if number and words is None:
        raise lost_lease(name, str(answer) if answer else BOOTED)
    for _ in range(MOST_GONE - 1):
        if answer and answer.owner.is_gone:
            answer, words = _ask(task, lease, seconds, gone=answer.run_id)
    if answer:
        raise always_gone(name) if answer.owner.is_gone else held_by(answer, name)
    last, _, lease.numbers[name] = (words or "").partition(" ")
    known = facts is None or last in {lease.run_id, facts[name].last_run}
    return Result(host=task.host, changed=False, result=not known)


def release_lease(task: Task, lease: Lease, proven: Collection[str] = (), dry_run: bool | None = None) -> Result:
    """Release a host's lease, if this run holds it.

    Arguments:
        lease: this run's
        proven: names of hosts where every check passed: their live files are marked as good, for a rollback
        dry_run: whether none was taken; None: Nornir's own setting

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False

    Raises:
        LeaseLostError: another run has held the lease since; nothing was marked as good
        RemoteCommandError: the live files could not be marked as good
    """
    if not task.is_dry_run(dry_run):
        script = lease_functions(lease, number=lease.numbers.get(task.host.name, ""))
        if task.host.name in proven:
            script += MARK_GOOD.render("prove() {\nmark_good\n}\n", managed=" ".join(MANAGED_PATHS))
        run_script(task, f"{script}release\n", timeout=TIMEOUT)
    return Result(host=task.host, changed=False)


def lease_functions(lease: Lease, *, seconds: float = 0, number: str = "", gone: str = "") -> str:
    """Return the start of a script that uses a host's lease: its variables, and the functions of lease.sh.

    Arguments:
        lease: this run's
        seconds: how long the script may take
        number: that the host gave this lease; "" if it is not taken yet
        gone: id of a run that ended without a release
    """
    lasts = LEASE_SECONDS + int(seconds)
    return LEASE.render(run_id=lease.run_id, owner=str(lease.owner), lease_seconds=str(lasts), number=number, gone=gone)


def leave_if_held(lease: Lease, nonce: str, gone: str = "") -> str:
    """Return the start of a script that only reads: it ends there if another run holds the lease.

    Arguments:
        lease: that this run will ask for
        nonce: the word that marks the script's own lines
        gone: id of a run that ended without a release
    """
    held = 'words=$(is_free) || {\n    section held\n    echo "$words"\n    section end\n    exit\n}\n'
    return lease_functions(lease, gone=gone) + TELL.render(held, nonce=nonce)


def find_holder(sections: Mapping[str, str]) -> Holder | None:
    """Return the run because of which `leave_if_held` ended a script; None if the script went on.

    Arguments:
        sections: what a script answered that began with `leave_if_held`

    Raises:
        ValueError: the words about that run cannot be parsed
    """
    return Holder.parse(sections["held"]) if "held" in sections else None


def always_gone(host: str) -> UnexpectedReplyError:
    """Return the error of a host whose lease names one ended run after another.

    Arguments:
        host: the host's name
    """
    words = f"its lease file {LEASE_FILE} names another run, already ended, at each request; nothing was"
    return UnexpectedReplyError(
        host, f"{words} changed. Find what writes that file, then run `rm {LEASE_FILE}` on the host"
    )


def unreadable(host: str, words: str) -> UnexpectedReplyError:
    """Return the error of a host whose lease cannot be parsed.

    Arguments:
        host: the host's name
        words: what the host said
    """
    said = one_line(words)[-200:] or "nothing"
    hint = f"Nothing was changed. If no other run is active on the host, run `rm {LEASE_FILE}` there"
    return UnexpectedReplyError(host, f"cannot parse its lease file {LEASE_FILE}: {said}. {hint}")


def held_by(holder: Holder, host: str) -> LeaseHeldError:
    """Return the error of a host whose lease another run holds.

    Arguments:
        holder: the other run
        host: the host's name
    """
    return LeaseHeldError(
        host,
        f"{holder} holds the lease, which ends in {holder.seconds} s if that run takes no further step; "
        "nothing was changed. Wait for that run to end, then run this again",
    )


def guard(lease: Lease | None, host: str, *, seconds: float) -> str:
    """Return the start of a script that changes a host: it ends there if this run no longer holds the lease.

    `run_script` then raises LeaseLostError.

    Arguments:
        lease: this run's; None for no check
        host: the host's name
        seconds: how long the script may take
    """
    if not lease:
        return ""
    return f"{lease_functions(lease, seconds=seconds, number=lease.numbers.get(host, ''))}still_ours\n"


def _ask(
    task: Task, lease: Lease, seconds: float, *, number: str = "", gone: str = ""
) -> tuple[Holder | None, str | None]:
    """Return who holds the lease instead of us, and which run had it last with the number of our lease.

    The first is None if it is ours. The second is None if it is not. Both are None if the host was booted since we had
    it.
    """
    nonce = secrets.token_hex(8)
    asking = 'words=$(hold && echo "$last $number_of")\nsection $?\necho "$words"\nsection end\n'
    functions = lease_functions(lease, seconds=seconds, number=number, gone=gone)
    stdout = run_script(task, functions + TELL.render(asking, nonce=nonce), timeout=TIMEOUT).stdout
    try:
        [(status, words)] = list_sections(stdout, nonce)
        return _read(status, words)
    except ValueError as error:
        raise unreadable(task.host.name, stdout) from error


def _read(status: str, words: str) -> tuple[Holder | None, str | None]:
    """Parse the exit status and the output of `hold` in lease.sh."""
    if status == "0":
        return None, words
    if status == HELD:
        return Holder.parse(words) if words.strip() else None, None
    raise ValueError(f"exit status {status}")
