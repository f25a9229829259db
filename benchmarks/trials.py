"""The contestants' turns at a job."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.jobs import Job
from benchmarks.judging import states, wrongs
from benchmarks.measuring import Taken, take
from benchmarks.site import Site


@dataclass(frozen=True, slots=True)
class Trial:
    """One turn of one contestant.

    Arguments:
        contestant: whose turn it was
        taken: the measurement
        logins: mean per host
        sessions: mean per host
        wrong: why it does not count; "" if it does
    """

    contestant: Contestant
    taken: Taken
    logins: float
    sessions: float
    wrong: str


def trials(site: Site, job: Job, repeat: int, contestants: Sequence[Contestant] = CONTESTANTS) -> Iterator[Trial]:
    """Yield all turns at a job.

    Contestants take turns, so that all meet the same machine. Another one begins each round.

    Arguments:
        site: with the hosts
        job: the job to be done
        repeat: number of turns of each contestant
        contestants: those who take part, if they do this job
    """
    turns = [contestant for contestant in contestants if job in contestant.jobs]
    for number in range(repeat):
        first = number % len(turns)
        for contestant in (*turns[first:], *turns[:first]):
            yield _trial(site, contestant, job)


def _trial(site: Site, contestant: Contestant, job: Job) -> Trial:
    site.begin(job)
    contestant.prepare(site)
    before = states(site)
    taken = take(contestant.command(site, job), site.folder, site.lab.name)
    after = states(site, before)
    site.is_restless = any(before[name].daemons != after[name].daemons for name in after)
    wrong = "; ".join(wrongs(site, contestant, job, taken, before=before, after=after))
    logins, sessions = (mean(getattr(each, count) for each in after.values()) for count in ("logins", "sessions"))
    counts = f"{logins:g} logins, {sessions:g} sessions"
    said = f"{taken.seconds:.2f} s, {taken.cpu:.2f} s of CPU, {taken.memory:.0f} MB, {counts}"
    sys.stderr.write(f"{len(site.names)} hosts, {job.value}, {contestant.name}: {said} {wrong and f'WRONG: {wrong}'}\n")
    return Trial(contestant, taken, logins, sessions, wrong)
