"""Time the same job by kube-ha, by other tools, by the guide's loops, and by the least that can do it.

Written to docs/performance.md.
"""

import argparse
import shlex
import sys
from fnmatch import fnmatch

from benchmarks import peers
from benchmarks.contestants import CONTESTANTS
from benchmarks.jobs import Job
from benchmarks.site import FORKS, site
from benchmarks.starting import starts
from benchmarks.table import record_job, record_machine, record_starting
from benchmarks.trials import trials

STARTS = 3  # starts per round: they are short


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[3, 30, 100])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--jobs", type=Job, nargs="+", default=[*Job], metavar="JOB", help=", ".join(Job))
    parser.add_argument("--forks", type=int, default=FORKS, help="number of hosts that ours looks at at once")
    parser.add_argument(
        "--who", nargs="+", default=["*"], metavar="NAME", help="only these contestants, such as 'floor*'"
    )
    options = parser.parse_args()
    who = [each for each in CONTESTANTS if any(fnmatch(each.name, pattern) for pattern in options.who)]
    command = f"python -m benchmarks.bench --repeat {options.repeat} --forks {options.forks}"
    if options.who != ["*"]:
        command += f" --who {shlex.join(options.who)}"
    peers.ensure()
    record_machine(command)
    record_starting(starts(STARTS * options.repeat), command)
    wrong = 0
    for hosts in options.hosts:
        with site(hosts, forks=options.forks) as place:
            for job in options.jobs:
                done = [*trials(place, job, options.repeat, who)]
                wrong += sum(bool(trial.wrong) for trial in done)
                record_job(job, hosts, done, f"{command} --hosts {hosts} --jobs {job.value}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
