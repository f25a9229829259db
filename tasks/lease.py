"""The lease of a host: one run at a time changes it."""

import re
import secrets
from collections.abc import Collection, Mapping

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import LeaseHeldError, UnexpectedReplyError, lost_lease
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent.names import MANAGED_PATHS
from nornir_kube_ha.planning.lease import BOOTED, LEASE_SECONDS, Holder, Lease
from nornir_kube_ha.ssh.remote import assignments, load_script, run_script
from nornir_kube_ha.text import one_line

HELD = "75"  # lease.sh's exit status where another run has it
LEASE_FILE = "/run/kube-ha-lease"
MOST_GONE = 3  # runs that have ended, whose lease is taken over one after the other; then somebody makes them up
TIMEOUT = 15  # seconds; nobody keeps the lease's lock for longer than it takes to write a line


def take_lease(
    task: Task,
    lease: Lease,
    facts: Mapping[str, Facts] | None = None,
    dry_run: bool | None = None,
    *,
    seconds: float = 0,
) -> Result:
    """Make a host's lease this run's, or longer if it is. One of a run that died on this machine is taken over.

    Arguments:
        lease: this run's; the number that the host gives it is noted there
        facts: by host name, from the `get_facts` that the plan was made of
        dry_run: whether to take none; Nornir's own setting if not given
        seconds: how much longer than usual nothing may be heard of the run on this host

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False: nothing of the host's configuration was touched
          * result (``bool``): whether another run has been at work there since those facts

    Raises:
        LeaseHeldError: another run has it
        LeaseLostError: this run had it, and another run has been at work since, or the host was booted
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
    """Let a host's lease go, if it is this run's.

    Arguments:
        lease: this run's
        proven: names of hosts whose every check passed: what is live there is good to go back to one day
        dry_run: whether none was taken; Nornir's own setting if not given

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False

    Raises:
        LeaseLostError: another run has been at work there since; nothing was marked as good
        RemoteCommandError: that what is live is good could not be written
    """
    if not task.is_dry_run(dry_run):
        script = lease_functions(lease, number=lease.numbers.get(task.host.name, ""))
        if task.host.name in proven:
            script += assignments(managed=" ".join(MANAGED_PATHS)) + load_script("generations.sh")
            script += "prove() {\nmark_good\n}\n"
        run_script(task, f"{script}release\n", timeout=TIMEOUT)
    return Result(host=task.host, changed=False)


def lease_functions(lease: Lease, *, seconds: float = 0, number: str = "", gone: str = "") -> str:
    """The beginning of a script that has to do with a host's lease.

    Arguments:
        lease: this run's
        seconds: how long the script may take
        number: the one that the host gave this lease, "" if it is still to be taken
        gone: id of a run that has ended without a word
    """
    lasts = LEASE_SECONDS + int(seconds)
    variables = assignments(
        run_id=lease.run_id, owner=str(lease.owner), lease_seconds=str(lasts), number=number, gone=gone
    )
    return variables + load_script("lease.sh")


def leave_if_held(lease: Lease, nonce: str, gone: str = "") -> str:
    """The beginning of a script that only reads, of a run that means to change the host: it ends there if another does.

    Arguments:
        lease: that the run is going to ask for
        nonce: what lines begin with that the script itself prints
        gone: id of a run that has ended without a word
    """
    held = f'words=$(is_free) || {{\n    echo\n    echo "@{nonce} held $words"\n    exit\n}}\n'
    return lease_functions(lease, gone=gone) + held


def find_holder(stdout: str, nonce: str) -> Holder | None:
    """The run that `leave_if_held` left a host to.

    Arguments:
        stdout: of a script that began with it
        nonce: as it was given

    Raises:
        ValueError: what it says of that run cannot be read
    """
    found = re.search(rf"^@{nonce} held (.*)$", stdout, re.MULTILINE)
    return Holder.parse(found[1]) if found else None


def always_gone(host: str) -> UnexpectedReplyError:
    """The error of a host whose lease names one run after the other, each of which has ended.

    Arguments:
        host: the host's name
    """
    words = f"its lease, {LEASE_FILE}, names another run each time it is asked for, and each has ended; nothing was"
    return UnexpectedReplyError(host, f"{words} changed. Find out what writes that file, then `rm {LEASE_FILE}` there")


def unreadable(host: str, words: str) -> UnexpectedReplyError:
    """The error of a host whose lease is not one of ours.

    Arguments:
        host: the host's name
        words: what it says
    """
    said = one_line(words)[-200:] or "nothing"
    hint = f"Nothing was changed. If no other run is at work there: `rm {LEASE_FILE}` on the host"
    return UnexpectedReplyError(host, f"what its lease, {LEASE_FILE}, says cannot be read: {said}. {hint}")


def held_by(holder: Holder, host: str) -> LeaseHeldError:
    """The error of a run that another one is in the way of.

    Arguments:
        holder: the other one
        host: the host's name
    """
    return LeaseHeldError(
        host,
        f"held by {holder}, for {holder.seconds} s more if that run does nothing further; nothing was changed. "
        "Wait for it to end, then run this again",
    )


def guard(lease: Lease | None, host: str, *, seconds: float) -> str:
    """The beginning of a script that changes a host: it ends there if the lease is another run's by now.

    `run_script` raises LeaseLostError for it.

    Arguments:
        lease: this run's, none if it has none
        host: the host's name
        seconds: how long the script may take
    """
    if not lease:
        return ""
    return f"{lease_functions(lease, seconds=seconds, number=lease.numbers.get(host, ''))}still_ours\n"


def _ask(
    task: Task, lease: Lease, seconds: float, *, number: str = "", gone: str = ""
) -> tuple[Holder | None, str | None]:
    """Who holds the lease instead of us, if anybody; and whose run was there last with the number of our lease.

    The second is None where the lease is not ours; nobody may hold it then, if the host was booted since it was.
    """
    nonce = secrets.token_hex(8)
    asking = f'words=$(hold && echo "$last $number_of")\nstatus=$?\necho\necho "@{nonce} $status $words"\n'
    functions = lease_functions(lease, seconds=seconds, number=number, gone=gone)
    stdout = run_script(task, functions + asking, timeout=TIMEOUT).stdout
    found = re.search(rf"^@{nonce} (\d+) (.*)$", stdout, re.MULTILINE)
    try:
        return _read(found[1], found[2]) if found else _read("", "")
    except ValueError as error:
        raise unreadable(task.host.name, stdout) from error


def _read(status: str, words: str) -> tuple[Holder | None, str | None]:
    """What `hold` of lease.sh ended with."""
    if status == "0":
        return None, words
    if status == HELD:
        return Holder.parse(words) if words.strip() else None, None
    raise ValueError(f"exit status {status or 'missing'}")
