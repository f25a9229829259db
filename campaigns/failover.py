"""Inject every fault many times, each on lab hosts, and write a client's losses to docs/failover.md.

Each finished trial becomes a line in build/failover, so that an interrupted campaign continues where it ended, and
several campaigns add up. `--write` only writes the page from the kept trials.
"""

import argparse
import fnmatch
import json
import math
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from campaigns.shared.failover_page import write_page
from campaigns.shared.labs import share_out
from campaigns.shared.record import ROOT
from campaigns.shared.settings import SETTINGS
from rig.lab import Lab

from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.lab.faults import ETCD

KEPT = ROOT / "build" / "failover"
APART = 20  # seconds between labs whose faults last equally long, so that their heals do not coincide
BATCH = 10  # trials in one run: an interruption loses at most so many


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fault", action="append", default=[], help="only these faults, such as 'haproxy-*'; repeatable"
    )
    parser.add_argument("--repeat", type=int, default=100, help="trials of each fault, kept ones included")
    parser.add_argument("--labs", type=int, default=1, help="number of labs that work in parallel")
    parser.add_argument(
        "--settings", choices=SETTINGS, action="append", default=[], help="settings of the hosts; repeatable"
    )
    parser.add_argument(
        "--hold", default="", help="duration of each fault, such as 10m; its trials are kept separately"
    )
    parser.add_argument("--rate", default="50", help="new connections a second")
    parser.add_argument("--connections", default="10", help="number of long-lived connections")
    parser.add_argument("--write", action="store_true", help="only write the page again")


def run(options: argparse.Namespace) -> int:
    if not options.write:
        _run(options)
    write_page(KEPT)
    return 0


def _run(options: argparse.Namespace) -> None:
    names = [name for name in FAULTS if any(fnmatch.fnmatch(name, each) for each in options.fault or ["*"])]
    load = ("--rate", options.rate, "--connections", options.connections)
    share_out(
        f"f{options.hold[:2]}",
        options.labs,
        missing(names, options),
        lambda lab, job: make_trials(lab, kept_under(job[0], options.hold), *job[1:], *load, hold=options.hold),
        settings=lambda job: job[0],
        apart=APART if options.hold else 0,
    )


def missing(names: list[str], options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """Yield the work that is left: settings, fault, and number of trials in one run.

    Arguments:
        names: names of the faults
        options: parsed options
    """
    for name in names:
        left = {
            settings: max(0, options.repeat - len(kept(kept_under(settings, options.hold), name)))
            for settings in options.settings or ["ours"]
            if _is_possible(name, settings)
        }
        # small batches, so that no lab idles while another has a long one
        batches = {settings: min(BATCH, math.ceil(count / options.labs)) for settings, count in left.items()}
        while any(left.values()):  # settings by turns
            for settings in [each for each, count in left.items() if count]:
                batch = 1 if options.hold else min(batches[settings], left[settings])
                yield settings, name, batch
                left[settings] -= batch


def _is_possible(name: str, settings: str) -> bool:
    """Return whether a lab can inject a fault: a stand-in has no etcd, and a real apiserver cannot be made slow."""
    verb = FAULTS[name].verb
    return not verb.startswith("slow") if SETTINGS[settings].get("lab_control_plane") == "real" else verb not in ETCD


def kept_under(settings: str, hold: str) -> str:
    """Return the name that trials are kept under: `ours`, or `ours-10m`.

    Arguments:
        settings: one of `campaigns.shared.settings.SETTINGS`
        hold: how long each fault lasts; empty: its own time
    """
    return f"{settings}-{hold}" if hold else settings


def make_trials(lab: Lab, under: str, fault: str, count: int, *more: str, hold: str = "") -> None:
    """Inject a fault several times, and keep the trials.

    Arguments:
        lab: lab with the hosts
        under: name that the trials are kept under
        fault: name of the fault
        count: number of trials
        more: options of the failover test
        hold: how long each fault lasts; empty: its own time
    """
    command = [sys.executable, "runbooks/failover_test.py", "-i", str(lab.inventory), "--fault", fault, "--yes"]
    command += ["--repeat", str(count), "--output", "json", *more]
    command += ["--hold", hold] if hold else []
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    try:
        found = json.loads(done.stdout)["faults"]
    except (ValueError, KeyError):
        sys.stderr.write(f"{under} {fault}: no report, exit status {done.returncode}\n{done.stdout.decode()}\n")
        return
    for each in found:
        keep(under, fault, each["trials"])
    if not found or any(trial["outcome"] == "not healed" for each in found for trial in each["trials"]):
        sys.stderr.write(f"{under} {fault}: deploying again\n")
        lab.deploy()


def kept(under: str, fault: str) -> list[dict[str, object]]:
    """Return the trials that are kept already."""
    path = _path(under, fault)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def keep(under: str, fault: str, trials: Iterable[dict[str, object]]) -> None:
    path = _path(under, fault)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(f"{json.dumps(trial)}\n" for trial in trials)


def _path(under: str, fault: str) -> Path:
    return KEPT / under / f"{fault}.jsonl"
