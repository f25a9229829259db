"""Every fault has somebody who can make it: a host by its scripts, the lab by its verbs, a runbook by its own work."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.failover.faults import FAULTS, Fault, Target, Way
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.lab.control_plane.stand_in import MODES
from nornir_kube_ha.lab.faults import ETCD, UPGRADE
from nornir_kube_ha.ssh.script import load_script
from nornir_kube_ha.tasks.faults import FaultTimeline
from nornir_kube_ha.trials.change_faults import change_injector

SHELLCHECK = str(Path(sys.executable).with_name("shellcheck"))
BY_WAY = {way: [fault for fault in FAULTS.values() if fault.way is way] for way in Way}
SCRIPTS = ("needs", "inject", "there", "heal", "well")


def shellcheck(script: str) -> str:
    """What shellcheck complains of."""
    # SC2046: a list of process ids is meant to be split.
    command = [SHELLCHECK, "--shell=sh", "--exclude=SC2046", "--format=gcc", "-"]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=False, timeout=30).stdout


def common_part() -> str:
    """The functions that each script of a fault may call."""
    match = re.search(r"^COMMON='\n(.*?)'\n", load_script("faults.sh"), re.MULTILINE | re.DOTALL)
    assert match
    return match[1]


def test_scripts_of_faults_are_as_good_as_any() -> None:
    blocks = "".join(f"{{ {getattr(fault, name)}\n}}\n" for fault in BY_WAY[Way.HOST] for name in SCRIPTS)
    variables = "FOLDER=$1 INTERFACE=$2 PORT=$3"
    assert shellcheck(f"#!/bin/sh\n{variables}\n{common_part()}conclude made true\n{blocks}") == ""


def test_scripts_that_are_no_good_would_be_noticed() -> None:
    assert "SC2086" in shellcheck(f"#!/bin/sh\n{common_part()}FOLDER=$1\nconclude made true\nrm $FOLDER\n")


def test_functions_do_not_end_the_quotes_that_they_are_kept_in() -> None:
    assert "'" not in common_part()


@pytest.mark.parametrize("fault", BY_WAY[Way.LAB], ids=lambda fault: fault.name)
def test_lab_knows_what_it_is_asked_to_do(fault: Fault) -> None:
    verbs = {"off", "reboot"} if fault.target is Target.HOLDER else {*MODES, "gone", UPGRADE}
    if fault.target in {Target.ETCD_LEADER, Target.ETCD_MEMBER, Target.ETCD_MAJORITY}:
        verbs = {*ETCD}
    assert fault.verb.partition(" ")[0] in verbs


@pytest.mark.parametrize("fault", BY_WAY[Way.RUN], ids=lambda fault: fault.name)
def test_every_change_fault_has_an_injector(intent: Intent, fault: Fault) -> None:
    run = cast("Run", SimpleNamespace(intent=intent))
    injector = change_injector(run, intent.clusters[0], fault, "lb-3")
    assert injector.target == {"vip-move": "lb-3 to lb-1"}.get(fault.name, "lb-1, lb-2, lb-3")


def test_words_of_many_lines_are_no_events() -> None:
    text = (
        "begun 10.0 \nnot-made 15.0 Failed to kill unit:\nhealed by hand 11.5 \nmade 12\n  made 13.0\n"
        "healing 16.0 \nnot-healed 21.0 \n"
    )
    story = FaultTimeline.parse(text)
    assert story.moments == (10.0, None, 16.0, None)
    assert story.trouble == "not made: Failed to kill unit:"


def test_first_of_two_equal_records_counts() -> None:
    story = "begun 1.0 \nmade 2.0 \nhealing 3.0 \nhealed 4.0 \n"
    assert FaultTimeline.parse(f"{story}healing 5.0 \nhealed 6.0 \n") == FaultTimeline.parse(story)
