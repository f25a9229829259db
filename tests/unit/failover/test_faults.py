"""The table of faults, and how a host's story of one is read."""

import re
import subprocess

import pytest

from nornir_kube_ha.failover.faults import FAULTS, Fault, Way
from nornir_kube_ha.ssh.script import load_script
from nornir_kube_ha.tasks.faults import FaultTimeline

SCRIPTS = ("needs", "inject", "there", "heal", "well")
ON_HOSTS = [fault for fault in FAULTS.values() if fault.way is Way.HOST]


@pytest.fixture(scope="module")
def common() -> str:
    """The functions that each fault's scripts have at hand."""
    match = re.search(r"^COMMON='\n(.*?)^'$", load_script("faults.sh"), re.MULTILINE | re.DOTALL)
    assert match
    return match[1]


def complaints(script: str) -> str:
    """What sh has to say about the syntax of a script."""
    return subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, timeout=10, check=False).stderr


def test_each_fault_is_found_by_its_name() -> None:
    assert [(name, fault.name) for name, fault in FAULTS.items() if name != fault.name] == []
    assert len(FAULTS) > 20  # two of one name would be one


@pytest.mark.parametrize("fault", ON_HOSTS, ids=lambda fault: fault.name)
def test_fault_on_a_host_is_made_and_seen_and_healed(fault: Fault) -> None:
    assert [name for name in ("inject", "there", "heal") if getattr(fault, name) in {"", "true"}] == []
    assert fault.seconds > 0


@pytest.mark.parametrize("fault", [each for each in FAULTS.values() if each.way is not Way.HOST], ids=lambda f: f.name)
def test_fault_that_no_host_makes_has_no_script(fault: Fault) -> None:
    assert (fault.inject, fault.there) == ("", "")
    assert bool(fault.verb) == (fault.way is Way.LAB)


@pytest.mark.parametrize("fault", ON_HOSTS, ids=lambda fault: fault.name)
def test_scripts_can_be_read_by_sh(fault: Fault, common: str) -> None:
    for name in SCRIPTS:
        assert complaints(f"{common}\n{getattr(fault, name)}\n") == "", name


def test_script_that_sh_cannot_read_would_be_noticed(common: str) -> None:
    assert complaints(f"{common}\nif true; echo\n")


@pytest.mark.parametrize("fault", ON_HOSTS, ids=lambda fault: fault.name)
def test_scripts_call_no_function_that_is_not_there(fault: Fault, common: str) -> None:
    command = r"(?:^|[;!]\s*|\$\()(\w+_\w+|main|hangs|listener)\b"  # all others are programs, without a `_`
    called = {name for script in SCRIPTS for name in re.findall(command, getattr(fault, script))}
    assert [name for name in called if not re.search(rf"^{name}\(\)", common, re.MULTILINE)] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "haproxy-kill",
            "outage at most 0.15 s, moves of the VIP at most 1, no two holders, no outage after the heal",
        ),
        (
            "keepalived-hang",
            "outage at most 1 s, outage after the heal at most 1 s, two holders after the heal for at most 1 s",
        ),
        (
            "apiserver-kill",
            "no failed new connections, no moves of the VIP, no two holders, no outage after the heal",
        ),
    ],
)
def test_limit_is_described_in_words(name: str, words: str) -> None:
    assert FAULTS[name].limit.words.removesuffix(", no two holders after the heal") == words


@pytest.mark.parametrize("name", ["link-down", "node-off"])
def test_fast_timers_allow_less(name: str) -> None:
    fault = FAULTS[name]
    assert (fault.limit_of("default").seconds, fault.limit_of("fast").seconds) == (1.0, 0.4)
    assert fault.limit_of("fast").moves == fault.limit.moves == 1


def test_timers_make_no_difference_where_an_event_reports() -> None:
    fault = FAULTS["haproxy-stop"]
    assert fault.limit_of("fast") == fault.limit_of("default") == fault.limit


def test_story_is_read_as_far_as_it_has_come() -> None:
    assert FaultTimeline.parse("") == FaultTimeline()
    story = FaultTimeline.parse("begun 10.25 \nmade 10.500000001 \n")
    assert story.moments == (10.25, 10.500000001, None, None)
    assert (story.trouble, story.is_over) == ("", False)


def test_story_is_over_when_it_is_healed() -> None:
    healing = "begun 1.0 \nmade 2.0 \nhealing 3.0 \n"
    assert not FaultTimeline.parse(healing).is_over
    assert FaultTimeline.parse(f"{healing}healed 4.0 \n").is_over
    assert FaultTimeline.parse(f"{healing}healed 4.0 \n").moments == (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("not-healed 9.0 Unit haproxy.service not found.", "not healed: Unit haproxy.service not found."),
        ("not-healed 9.0 ", "not healed: the host gives no reason"),
    ],
)
def test_story_of_what_does_not_heal_is_over_and_says_why(line: str, trouble: str) -> None:
    story = FaultTimeline.parse(f"begun 1.0 \nmade 2.0 \nhealing 3.0 \n{line}\n")
    assert (story.healed, story.trouble, story.is_over) == (None, trouble, True)


def test_story_of_what_was_not_made_goes_on_until_it_is_healed() -> None:
    story = FaultTimeline.parse("begun 1.0 \nnot-made 6.0 nft: no such table\n")
    assert (story.made, story.trouble, story.is_over) == (None, "not made: nft: no such table", False)


def test_first_problem_is_reported() -> None:
    story = FaultTimeline.parse("begun 1.0 \nnot-made 2.0 first\nhealing 3.0 \nnot-healed 4.0 second\n")
    assert story.trouble == "not made: first"
