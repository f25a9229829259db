"""The lease, as the host keeps it and as the controller reads it."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from nornir_kube_ha.planning.lease import BOOTED, Holder, Lease, Owner, lost_to, this_process
from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.tasks.lease import find_holder, guard, lease_functions, leave_if_held

OURS = Lease("aaaaaaaaaaaa", this_process())
THEIRS = Lease("bbbbbbbbbbbb", Owner("ops@noc-2", "0123456789abcdef", 4711, 12345))


class Host:
    """A host whose lease stands in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lease"

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        script = script.replace("LEASE=/run/kube-ha-lease", f"LEASE={self.path}")
        script = script.replace("=/var/lib/kube-ha/", f"={self.path.parent}/kept-")
        return subprocess.run(["sh", "-u", "-s"], input=script, capture_output=True, text=True, check=False, timeout=10)

    def hold(self, lease: Lease, gone: str = "") -> subprocess.CompletedProcess[str]:
        return self.run(lease_functions(lease, gone=gone) + 'words=$(hold && echo "$last")\necho "$? $words"\n')

    def number(self, lease: Lease) -> str:
        """Take the lease, and return the number that the host gives it."""
        return self.run(lease_functions(lease) + 'hold && echo "$number_of"\n').stdout.strip()

    def step(self, lease: Lease, number: str) -> subprocess.CompletedProcess[str]:
        numbered = Lease(lease.run_id, lease.owner, {"lb-1": number})
        return self.run(f"{guard(numbered, 'lb-1', seconds=60)}echo changed\n")

    def expire(self) -> None:
        run_id, _, owner = self.path.read_text().split(maxsplit=2)
        self.path.write_text(f"{run_id} 1 {owner}")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Nobody has its lease yet."""
    return Host(tmp_path)


def test_first_who_asks_has_it_and_may_ask_again(host: Host) -> None:
    assert host.hold(OURS).stdout == "0 \n"
    assert host.hold(OURS).stdout == "0 aaaaaaaaaaaa\n"


def test_second_run_learns_the_holder_and_the_remaining_time(host: Host) -> None:
    host.hold(THEIRS)
    status, words = host.hold(OURS).stdout.split(" ", 1)
    holder = Holder.parse(words)
    assert status == "75"
    assert (holder.run_id, holder.owner) == (THEIRS.run_id, THEIRS.owner)
    assert 115 <= holder.seconds <= 120
    assert str(holder) == "run bbbbbbbbbbbb of ops@noc-2, process 4711"
    assert host.path.read_text().startswith(THEIRS.run_id)


def test_it_ends_by_itself_and_who_had_it_loses_it(host: Host) -> None:
    host.hold(THEIRS)
    host.expire()
    assert host.hold(OURS).stdout == "0 bbbbbbbbbbbb\n"
    assert host.hold(THEIRS).stdout.startswith("75 aaaaaaaaaaaa ")


def test_run_that_is_known_to_be_gone_has_it_no_longer(host: Host) -> None:
    host.hold(THEIRS)
    assert host.hold(OURS, gone="cccccccccccc").stdout.startswith("75 ")
    assert host.hold(OURS, gone=THEIRS.run_id).stdout == "0 bbbbbbbbbbbb\n"


def test_it_is_let_go_by_its_run_only_and_the_run_stays_known(host: Host) -> None:
    host.hold(OURS)
    host.run(f"{lease_functions(THEIRS)}release\n")
    assert host.hold(THEIRS).stdout.startswith("75 ")
    host.run(f"{lease_functions(OURS)}release\n")
    assert host.hold(THEIRS).stdout == "0 aaaaaaaaaaaa\n"


def test_run_that_only_looks_so_far_leaves_a_host_to_who_has_it(host: Host) -> None:
    look = f"{leave_if_held(OURS, 'n0')}echo looked\n"
    assert host.run(look).stdout == "looked\n"
    assert not host.path.exists()
    host.hold(OURS)
    assert host.run(look).stdout == "looked\n"
    host.expire()
    host.hold(THEIRS)
    left = host.run(look)
    holder = find_holder(sections_of(f"motd\n{left.stdout}", "n0"))
    assert holder
    assert str(holder) == "run bbbbbbbbbbbb of ops@noc-2, process 4711"
    assert "looked" not in left.stdout
    assert find_holder(sections_of("looked\n\n@n0 end\n", "n0")) is None
    assert host.run(f"{leave_if_held(OURS, 'n0', gone=THEIRS.run_id)}echo looked\n").stdout == "looked\n"


def test_step_without_the_lease_is_not_made(host: Host) -> None:
    host.hold(THEIRS)
    done = host.run(f"{guard(OURS, 'lb-1', seconds=60)}echo changed\n")
    assert (done.returncode, done.stdout) == (75, "")
    assert "another run's by now: bbbbbbbbbbbb" in done.stderr
    assert "this step changed nothing" in done.stderr


def test_step_prolongs_the_lease_by_what_it_may_take(host: Host) -> None:
    host.hold(OURS)
    done = host.run(f"{guard(OURS, 'lb-1', seconds=60)}echo changed\n")
    assert (done.returncode, done.stdout) == (0, "changed\n")
    left = int(host.path.read_text().split()[1]) - float(Path("/proc/uptime").read_text().split()[0])
    assert 175 <= left <= 180


def test_step_that_is_asked_for_again_waits_for_the_one_whose_connection_was_lost(host: Host) -> None:
    host.hold(OURS)
    step = guard(OURS, "lb-1", seconds=60).replace("LEASE=/run/kube-ha-lease", f"LEASE={host.path}")
    log = host.path.with_name("log")
    with subprocess.Popen(["sh", "-u", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lost:
        assert lost.stdin
        assert lost.stdout
        lost.stdin.write(f"{step}echo begun; sleep 0.5; echo first >>{log}\n")
        lost.stdin.close()
        lost.stdout.readline()
        host.run(f"{guard(OURS, 'lb-1', seconds=60)}echo again >>{log}\n")
    assert log.read_text().split() == ["first", "again"]


def test_of_many_who_ask_at_once_one_has_it(host: Host) -> None:
    script = lease_functions(OURS).replace("LEASE=/run/kube-ha-lease", f"LEASE={host.path}")
    asking = f"{script}\nRUN_ID=$$; words=$(hold) && echo mine\n"
    processes = [
        subprocess.Popen(["sh", "-u", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(12)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write(asking)
        process.stdin.flush()
    assert sorted(process.communicate()[0] for process in processes) == [""] * 11 + ["mine\n"]


def test_owner_reads_what_it_writes() -> None:
    assert Owner.parse(str(this_process())) == this_process()
    with pytest.raises(ValueError, match="unpack"):
        Owner.parse("root@noc-1 0123")


def test_owner_is_gone_when_its_process_is_another_by_now() -> None:
    assert not this_process().is_gone
    assert replace(this_process(), started=1).is_gone
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert replace(this_process(), pid=process.pid).is_gone
    assert not replace(this_process(), machine="another", pid=os.getpid(), started=1).is_gone  # nobody here knows


@pytest.mark.field_report(
    "I3",
    "found by trial",
    "two runs that overlap write over each other's files",
    "a run that was stopped for minutes is refused by every host that another run has changed since",
)
def test_run_that_was_stopped_does_not_get_the_lease_back_when_another_was_there(host: Host) -> None:
    number = host.number(OURS)
    assert host.step(OURS, number).stdout == "changed\n"
    host.expire()
    assert host.step(OURS, number).stdout == "changed\n"  # nobody was there: it was only late
    host.expire()
    theirs = host.number(THEIRS)
    assert theirs != number
    host.run(f"{lease_functions(THEIRS, number=theirs)}release\n")
    late = host.step(OURS, number)
    assert (late.returncode, late.stdout) == (75, "")
    assert lost_to(late.stderr) == "run bbbbbbbbbbbb of ops@noc-2, process 4711"


@pytest.mark.field_report("I3")
def test_number_grows_with_each_holder_and_outlives_the_lease(host: Host) -> None:
    numbers = []
    for run_id in ("a", "b", "a"):
        lease = replace(OURS, run_id=run_id)
        numbers.append(host.number(lease))
        assert host.number(lease) == numbers[-1]
        host.run(f"{lease_functions(lease, number=numbers[-1])}release\n")
    boots, counts = zip(*(number.split("-") for number in numbers), strict=True)
    assert (len(set(boots)), counts) == (1, ("1", "2", "3"))
    assert host.step(replace(OURS, run_id="a"), numbers[0]).returncode == 75  # the same run, of an earlier time


@pytest.mark.field_report("I3")
def test_host_that_was_rebooted_has_no_lease(host: Host) -> None:
    number = host.number(OURS)
    host.path.unlink()
    late = host.step(OURS, number)
    assert (late.returncode, lost_to(late.stderr)) == (75, BOOTED)
    assert not host.path.exists()


@pytest.mark.field_report("I3")
def test_lease_survives_a_boot_if_no_other_run_held_it(host: Host) -> None:
    (host.path.parent / "generations").mkdir()
    number, kept = host.number(OURS), host.path.parent / "kept-lease"
    host.path.unlink()
    assert host.step(OURS, number).stdout == "changed\n"
    host.path.unlink()
    kept.write_text(f"{THEIRS.run_id} 0 {THEIRS.owner} 0123-9\n")
    assert lost_to(host.step(OURS, number).stderr) == "run bbbbbbbbbbbb of ops@noc-2, process 4711"
    assert host.number(OURS).endswith("-10")


@pytest.mark.field_report("I3")
def test_run_that_lost_its_lease_neither_releases_it_nor_marks_files_as_good(host: Host) -> None:
    number = host.number(OURS)
    host.expire()
    host.hold(THEIRS)
    before = host.path.read_text()
    late = host.run(f"{lease_functions(OURS, number=number)}prove() {{ echo good; }}\nrelease\n")
    assert (late.returncode, late.stdout) == (75, "")
    assert host.path.read_text() == before
    host.expire()
    mine = host.number(OURS)
    kept = host.run(f"{lease_functions(OURS, number=mine)}prove() {{ echo good; }}\nrelease\n")
    assert (kept.returncode, kept.stdout) == (0, "good\n")


def test_lease_is_released_even_if_the_files_cannot_be_marked_as_good(host: Host) -> None:
    mine = host.number(OURS)
    told = host.run(f"{lease_functions(OURS, number=mine)}prove() {{ echo full >&2; return 3; }}\nrelease\n")
    assert (told.returncode, told.stderr) == (3, "full\n")
    assert host.hold(THEIRS).stdout.startswith("0 ")


def test_lease_of_an_earlier_version_has_no_number_and_is_readable(host: Host) -> None:
    host.path.write_text(f"bbbbbbbbbbbb 99999999999 {THEIRS.owner}\n")
    status, words = host.hold(OURS).stdout.split(" ", 1)
    assert (status, Holder.parse(words).owner) == ("75", THEIRS.owner)
    host.expire()
    assert host.number(OURS).endswith("-1")
