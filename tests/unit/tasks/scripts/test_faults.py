"""How a fault is made and ended on a host: faults.sh run for real under sh, only systemd is not real."""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.ssh.script import assignments, load_script
from nornir_kube_ha.tasks.faults import FaultTimeline

PATIENCE = 10.0  # seconds; a host that is as it should be needs a few milliseconds
PATH = "PATH=/usr/sbin"

# A timer is active while the file is there.
SYSTEMCTL = """#!/bin/sh
case "$*" in
"--quiet is-active kube-ha-fault-*.timer") [ -e "$FAKE/active" ] ;;
"list-units --plain --no-legend kube-ha-fault-*.timer") cat "$FAKE/active" ;;
"reset-failed kube-ha-fault-*") ;;
*) exit 99 ;;
esac
"""
# Takes its time, so that whoever does not wait for it is seen to be first. Keeps what it was called with.
SYSTEMD_RUN = """#!/bin/sh
[ ! -e "$FAKE/no-timers" ] || exit 7
/bin/sleep 0.1
echo armed >>"$FAKE/order"
printf '%s\\0' "$@" >"$FAKE/armed"
"""
HASTE = "#!/bin/sh\n"  # `sleep`, for those who wait for what never comes


@dataclass(frozen=True, slots=True)
class Host:
    """A host on which faults are made."""

    fake: Path

    @property
    def folder(self) -> Path:
        """The fault's own."""
        return self.fake / "fault"

    @property
    def order(self) -> list[str]:
        """What was done, in order."""
        path = self.fake / "order"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    @property
    def armed(self) -> list[str]:
        """What the timer was made with."""
        return (self.fake / "armed").read_text(encoding="utf-8").split("\0")[:-1]

    @property
    def story(self) -> FaultTimeline:
        """What it tells by now."""
        path = self.folder / "story"
        return FaultTimeline.parse(path.read_text(encoding="utf-8") if path.exists() else "")

    def _sh(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.fake}/bin:{os.environ['PATH']}", "FAKE": str(self.fake)}
        return subprocess.run(
            ["sh", *arguments],
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def make(
        self, *, needs: str = "true", inject: str = ":", there: str = "true", heal: str = ":", well: str = "true"
    ) -> subprocess.CompletedProcess[str]:
        script = load_script("faults.sh")
        assert PATH in script
        variables = assignments(
            unit="kube-ha-fault-run-1",
            folder=str(self.folder),
            seconds_to_last="4",
            interface="eth0",
            vips="192.0.2.10 2001:db8::10",
            port="6443",
            needs=needs,
            inject=inject,
            there=there,
            heal=heal,
            well=well,
        )
        return self._sh("-us", stdin=variables + script.replace(PATH, f"PATH={self.fake}/bin:/usr/sbin"))

    def heal(self) -> None:
        """What the timer does when it is time."""
        arguments = self.armed
        assert self._sh(*arguments[arguments.index("sh") + 1 :]).returncode == 0

    def told(self) -> FaultTimeline:
        """The story, once the fault has been made or has not."""
        deadline = time.monotonic() + PATIENCE
        while self.story.made is None and not self.story.trouble:
            assert time.monotonic() < deadline, f"nothing is told of the fault: {self.story}"
            time.sleep(0.01)
        return self.story


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that is well."""
    (tmp_path / "bin").mkdir()
    for name, text in (("systemctl", SYSTEMCTL), ("systemd-run", SYSTEMD_RUN), ("sleep", HASTE)):
        path = tmp_path / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    return Host(tmp_path)


def test_timer_is_armed_before_anything_is_broken(host: Host) -> None:
    done = host.make(inject='echo broken >>"$FAKE/order"', well="[ -n 1 ]")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    host.told()
    assert host.order == ["armed", "broken"]
    assert host.armed[host.armed.index("--unit") + 1] == "kube-ha-fault-run-1"
    assert host.armed[host.armed.index("--on-active") + 1] == "4"
    assert host.armed[-3:] == ["sh", f"{host.folder}/heal", "[ -n 1 ]"]


def test_nothing_is_broken_where_no_timer_can_be_armed(host: Host) -> None:
    (host.fake / "no-timers").touch()
    assert host.make(inject='echo broken >>"$FAKE/order"').returncode
    time.sleep(0.1)  # it would be in the background
    assert (host.order, host.story) == ([], FaultTimeline())


@pytest.mark.parametrize("needs", ["{ echo nft is missing; false; }", "echo nft is missing >&2; exit 3"])
def test_fault_that_cannot_be_made_leaves_nothing_and_says_why(host: Host, needs: str) -> None:
    done = host.make(needs=needs, inject='echo broken >>"$FAKE/order"')
    assert (done.returncode, done.stderr) == (1, "cannot be injected on this host: nft is missing\n")
    assert not host.folder.exists()
    assert host.order == []


def test_fault_that_shows_is_made(host: Host) -> None:
    before = time.time()
    host.make(inject='gone="$INTERFACE $PORT"', there='[ "$gone" = "eth0 6443" ]')  # sees what inject has set
    story = host.told()
    assert story.begun is not None
    assert story.made is not None
    assert before <= story.begun <= story.made <= time.time()
    assert (story.trouble, story.healing, story.is_over) == ("", None, False)


def test_fault_without_effect_is_reported_with_its_output(host: Host) -> None:
    host.make(inject='for word in one two "it is" "*"; do echo "$word"; done', there="false")
    story = host.told()
    assert (story.made, story.trouble) == (None, "not made: two it is *")
    assert story.begun is not None


def test_heal_is_reported_with_its_times(host: Host) -> None:
    host.make(
        inject='touch "$FAKE/broken"',
        there='[ -e "$FAKE/broken" ]',
        heal='rm "$FAKE/broken"',
        well='! [ -e "$FAKE/broken" ]',
    )
    host.told()
    host.heal()
    story = host.story
    assert None not in story.moments
    assert list(story.moments) == sorted(moment for moment in story.moments if moment is not None)
    assert (story.trouble, story.is_over) == ("", True)
    assert not (host.fake / "broken").exists()


def test_fault_that_does_not_heal_is_reported_with_its_output(host: Host) -> None:
    host.make(heal="echo no such unit >&2; false", well="false")
    host.told()
    host.heal()
    assert (host.story.healed, host.story.trouble, host.story.is_over) == (None, "not healed: no such unit", True)


def test_second_fault_is_refused_while_one_is_there(host: Host) -> None:
    host.make()
    before = host.told()
    (host.fake / "active").write_text("kube-ha-fault-run-0.timer loaded active\n", encoding="utf-8")
    done = host.make(inject='echo broken >>"$FAKE/order"')
    assert done.returncode == 1
    assert done.stderr == "another fault is still active: kube-ha-fault-run-0.timer loaded active\n"
    assert host.order == ["armed"]  # the first one's
    assert host.story == before


def test_what_an_earlier_fault_left_is_no_part_of_the_story(host: Host) -> None:
    host.folder.mkdir()
    (host.folder / "story").write_text("begun 1.0 \nnot-made 2.0 earlier\n", encoding="utf-8")
    host.make()
    assert host.told().trouble == ""


def test_quotes_in_scripts_survive(host: Host) -> None:
    said = r"""'"it'\''s" a "\"b\"" $HOME `c` \\n'"""
    script = f'[ "$(cat "$FAKE/said")" = {said} ]'
    host.make(
        inject=f'printf %s {said} >"$FAKE/said"',
        there=script,
        heal=f'printf %s {said}{said} >"$FAKE/said"',
        well=f'[ "$(cat "$FAKE/said")" = {said}{said} ]',
    )
    assert host.told().trouble == ""
    host.heal()
    assert host.story.trouble == ""
    assert (host.fake / "said").read_text(encoding="utf-8") == 2 * r"""'"it's" a "\"b\"" $HOME `c` \\n'"""[1:-1]


# A holder's `ip`: says what there is, and keeps what is put back.
IP = """#!/bin/sh
case "$*" in
"-6 -oneline address show dev eth0 scope global permanent")
    echo "2: eth0    inet6 2001:db8::10/64 scope global nodad deprecated \\\\       valid_lft forever"
    echo "2: eth0    inet6 2001:db8::11/64 scope global \\\\       valid_lft forever preferred_lft forever" ;;
"-4 route show dev eth0")
    echo "198.51.100.0/24 via 192.0.2.1"
    echo "192.0.2.0/24 proto kernel scope link src 192.0.2.11" ;;
"-6 route show dev eth0")
    echo "2001:db8:1::/64 via 2001:db8::1 metric 1024 pref medium"
    echo "2001:db8::/64 proto kernel metric 256 pref medium"
    echo "default via fe80::1 proto ra metric 1024 expires 1797sec pref medium" ;;
*) echo "$*" >>"$FAKE/put-back" ;;
esac
"""


def test_what_the_kernel_forgets_with_a_link_is_put_back_but_for_vips(host: Host) -> None:
    (host.fake / "bin/ip").write_text(IP, encoding="utf-8")
    (host.fake / "bin/ip").chmod(0o755)
    fault = FAULTS["link-down"]
    assert host.make(inject=fault.inject, heal=fault.heal).returncode == 0
    host.told()
    host.heal()
    assert (host.fake / "put-back").read_text(encoding="utf-8").splitlines() == [
        "link set dev eth0 down",
        "link set dev eth0 up",
        "-6 address replace 2001:db8::11/64 dev eth0 nodad",
        "-4 route replace 198.51.100.0/24 via 192.0.2.1 dev eth0",
        "-6 route replace 2001:db8:1::/64 via 2001:db8::1 metric 1024 pref medium dev eth0",
    ]


@pytest.mark.parametrize(
    "name", [name for name, fault in FAULTS.items() if "$FOLDER/" in fault.heal or "save_" in fault.inject]
)
def test_fault_whose_end_needs_a_note_is_not_made_where_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    named = ("ip", "mount", "kill", "kill_all", "sh", "findmnt", "df", "main", "listener", "touch")
    fakes = "".join(f'{each}() {{ echo "{each} $*" >>"{tmp_path}/done"; }}\n' for each in named)
    common = load_script("faults.sh").partition("COMMON='")[2].partition("\n'\n")[0]
    script = f"FOLDER='{tmp_path}/none' INTERFACE=eth0 VIPS=\n{common}\n{fakes}{FAULTS[name].inject}\nwait\n"
    subprocess.run(["sh", "-c", script], capture_output=True, timeout=PATIENCE, check=False)
    done = (tmp_path / "done").read_text(encoding="utf-8").split("\n") if (tmp_path / "done").exists() else []
    made = [each for each in done if each.startswith(("ip link set", "mount ", "kill_all", "kill -STOP", "sh "))]
    undone = [each for each in done if re.match(r"kill \d", each)]
    assert len(made) == len(undone)
