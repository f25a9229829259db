"""Check on the hosts, without a login, that a job was done: without that, its time means nothing."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.consoles import at_each_console
from benchmarks.contestants import Contestant
from benchmarks.jobs import DEPLOYS, Job
from benchmarks.measuring import Taken
from benchmarks.site import Site, Target

# A line "@" separates the parts. A restart or reload of a daemon changes its unit's time of last state change, its main
# process, or haproxy's newest worker. keepalived is still "reloading" after `systemctl reload` has ended.
_LOOK = """
for _ in $(seq 100); do
    systemctl show --property ActiveState haproxy keepalived | grep -q =reloading || break
    sleep 0.05
done
journalctl --sync
sha256sum $FILES 2>/dev/null; stat --format '%a %U:%G' $FILES 2>/dev/null
echo @
systemctl show --property ActiveState,UnitFileState,NeedDaemonReload haproxy keepalived | grep . | sort
echo @
systemctl show --property StateChangeTimestampMonotonic,MainPID haproxy keepalived; pgrep --newest --exact haproxy
echo @
journalctl --unit ssh --output cat ${CURSOR:+--after-cursor "$CURSOR"} | grep -c '^Accepted publickey for '
echo @
journalctl --unit ssh --output cat ${CURSOR:+--after-cursor "$CURSOR"} | grep -c '^Starting session: '
echo @
journalctl --unit ssh --lines 1 --show-cursor --quiet | sed -n 's/^-- cursor: //p'
"""
_UNITS = "\n".join(
    line for line in ("ActiveState=active", "NeedDaemonReload=no", "UnitFileState=enabled") for _ in "12"
)


@dataclass(frozen=True, slots=True)
class State:
    """The state of a host.

    Arguments:
        files: checksums, modes and owners of ours
        units: whether both daemons are up, enabled, and as their unit files say
        daemons: a text that changes with a restart or reload of either
        logins: number since the state before
        sessions: number since the state before; a command or a file transfer is one
        cursor: end of its journal
    """

    files: str
    units: str
    daemons: str
    logins: int
    sessions: int
    cursor: str


def states(site: Site, since: Mapping[str, State] | None = None) -> dict[str, State]:
    """Return the states of all hosts, by name.

    Arguments:
        site: the hosts
        since: their states before
    """
    looks = {
        target.name: f"FILES={shlex.quote(' '.join(file.path for file in target.files))}\n"
        f"CURSOR={shlex.quote(since[target.name].cursor if since else '')}\n{_LOOK}"
        for target in site.targets
    }
    return {name: _state(said) for name, said in at_each_console(site.lab, looks).items()}


def _state(said: str) -> State:
    files, units, daemons, logins, sessions, cursor = (part.strip() for part in said.split("@\n"))
    return State(files, units, daemons, int(logins), int(sessions), cursor)


def wrongs(
    site: Site,
    contestant: Contestant,
    job: Job,
    taken: Taken,
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
) -> Iterator[str]:
    """Yield what makes a measurement worthless.

    Arguments:
        site: with the hosts
        contestant: the contestant that was measured
        job: the job to be done
        taken: the measurement
        before: states of the hosts before it
        after: states of the hosts after it
    """
    if taken.status:
        yield f"exit status {taken.status}: {taken.output[-2000:]}"
    for target in site.targets:
        was, now = before[target.name], after[target.name]
        if not now.logins:
            yield f"{target.name}: nobody has logged in"
        if job in DEPLOYS and now.files != _files(target):
            yield f"{target.name}: files are not as rendered: {now.files}"
        if job in DEPLOYS and now.units != _UNITS:
            yield f"{target.name}: units are not as they should be: {now.units}"
        if job.changes and was.daemons == now.daemons:
            yield f"{target.name}: no daemon was told"
        if not job.changes and not contestant.restarts and was.daemons != now.daemons:
            yield f"{target.name}: a daemon was restarted or reloaded for nothing: {was.daemons} {now.daemons}"


def _files(target: Target) -> str:
    sums = [f"{file.sha256}  {file.path}" for file in target.files]
    return "\n".join([*sums, *(f"{int(file.mode, 8):o} {file.owner}:{file.group}" for file in target.files)])
