"""A planned move of the VIP, a host's part: move.sh run for real under sh, only `ip` is not real."""

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from nornir.core import Nornir
from nornir.core.task import Task

from nornir_kube_ha.errors import MoveError, RemoteCommandError
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.ssh import change
from nornir_kube_ha.ssh.script import assignments, load_script
from nornir_kube_ha.ssh.shell import Completed
from nornir_kube_ha.tasks import prefer_for_vip, release_vip, wait_for_vip

PATH = "PATH=/usr/sbin"

# The VIP is here while the file is. Keeps what stood in the released file at each look; a 1 there has the VIP gone.
IP = """#!/bin/sh
[ "$1" != route ] || { echo "ip $*" >>"$FAKE/calls"; exit; }
[ "$*" = "-oneline address show to 192.0.2.10" ] || exit 99
cat "$FAKE/released" >>"$FAKE/seen"
[ ! -e "$FAKE/holds" ] || echo "2: eth0    inet 192.0.2.10/32 scope global eth0"
[ -e "$FAKE/keeps" ] || [ "$(cat "$FAKE/released")" = 0 ] || rm -f "$FAKE/holds"
"""
TIMER = '#!/bin/sh\necho "${0##*/} $*" >>"$FAKE/timer"\n'
ARP = tuple(f"proc/sys/net/ipv4/conf/all/arp_{name}" for name in ("ignore", "announce"))
CALL = '#!/bin/sh\necho "${0##*/} $*" >>"$FAKE/calls"\n'
HASTE = "#!/bin/sh\n"  # `sleep`, for those who wait for what never comes


@dataclass(frozen=True, slots=True)
class Host:
    """A host that has the VIP or has not."""

    fake: Path
    lasts: str = "60"
    wanted: str = "53"
    drain: str = ""
    holder: str = "192.0.2.11 2001:db8::11"
    mac: str = ""

    def start(self, call: str) -> subprocess.Popen[str]:
        script = load_script("connections.sh") + load_script("move.sh")
        assert script.count(PATH) == 1
        variables = assignments(
            vip="192.0.2.10",
            wanted=self.wanted,
            wanted_file=str(self.fake / "wanted"),
            released_file=str(self.fake / "released"),
            unit="kube-ha-move",
            seconds_to_last=self.lasts,
            vips="192.0.2.10 2001:db8::10",
            port="8443",
            drain=self.drain,
            rest="0",
            holder=self.holder,
            holder_mac=self.mac,
            table="kube_ha_move_68",
            keeps=str(self.fake / "keeps-192.0.2.10"),
            tell=f"{self.fake}/bin/tell all",
            forwards=str(self.fake / "forwards"),
        )
        script = script.replace(PATH, f"PATH={self.fake}/bin:/usr/sbin")
        script = script.replace("=/proc/", f"={self.fake}/proc/").replace("=/run/kube-ha-arp", f"={self.fake}/arp")
        (self.fake / "script").write_text(f"{variables}{script}{call}\n", encoding="utf-8")
        return subprocess.Popen(
            ["sh", "-u", str(self.fake / "script")],
            env={"FAKE": str(self.fake)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, call: str) -> tuple[int, str]:
        """Exit status of a call, and its complaints. It has nothing else to say."""
        with self.start(call) as process:
            stdout, stderr = process.communicate(timeout=10)
        assert stdout == ""
        return process.returncode, stderr

    def read(self, name: str) -> str:
        return (self.fake / name).read_text(encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        """What it did beside that, in order."""
        return self.read("calls").splitlines() if (self.fake / "calls").exists() else []

    @property
    def seen(self) -> list[str]:
        """What keepalived saw in the released file, each value once."""
        return list(dict.fromkeys(self.read("seen").split()))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that holds the VIP, and lets it go when it is asked to."""
    (tmp_path / "bin").mkdir()
    programs = dict.fromkeys(("nft", "ss"), CALL) | dict.fromkeys(("systemd-run", "systemctl"), TIMER)
    for name, text in {"ip": IP, "sleep": HASTE, **programs}.items():
        path = tmp_path / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    (tmp_path / "released").write_text("0\n", encoding="utf-8")
    (tmp_path / "holds").touch()
    for path in map(tmp_path.joinpath, ARP):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0\n")
    return Host(tmp_path)


def test_holder_lets_go_and_is_ready_again(host: Host) -> None:
    assert host.run("release") == (0, "")
    assert host.seen == ["0", "1"]
    assert host.read("released") == "0\n"


ROUTES = [f"local {vip} dev lo table local metric 10" for vip in ("192.0.2.10", "2001:db8::10")]
UNDONE = ["nft delete table ip kube_ha_move_68", "nft delete table ip6 kube_ha_move_68"]
RESET = [f"ss -K -Htn src {vip} sport = :8443" for vip in ("192.0.2.10", "[2001:db8::10]")]


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("before", ["0", "2"])
def test_connections_of_the_holder_go_on_and_are_reset_where_the_vip_has_gone(
    host: Host, before: str, *, keeps: bool
) -> None:
    for path in ARP:
        (host.fake / path).write_text(f"{before}\n")
    if keeps:
        (host.fake / "keeps").touch()
    assert replace(host, drain="0.5").run("release")[0] == int(keeps)
    added, deleted = ([f"ip route {verb} {route}" for route in ROUTES] for verb in ("add", "del"))
    assert host.calls == [*UNDONE, *added, *UNDONE, *([] if keeps else RESET), *deleted]
    assert [host.read(path) for path in ARP] == [f"{before}\n"] * 2
    assert not (host.fake / "keeps-192.0.2.10").exists()
    [armed] = [line for line in host.read("timer").split("systemd-run ") if "--unit kube-ha-move-keep" in line]
    assert "--on-active 10" in armed


def test_what_an_earlier_move_has_left_is_put_back_first(host: Host) -> None:
    """Its controller was killed: the addresses' ARP is as the move had it, and the file says as it was before."""
    for path, value in zip(ARP, ("1", "2"), strict=True):
        (host.fake / path).write_text(f"{value}\n")
    (host.fake / "arp").write_text("0 0\n")
    (host.fake / "keeps-192.0.2.10").touch()
    (host.fake / "forwards").touch()
    assert replace(host, drain="2").run("stop_forwarding") == (0, "")
    assert [host.read(path) for path in ARP] == ["0\n"] * 2
    assert not [name for name in ("keeps-192.0.2.10", "forwards", "arp") if (host.fake / name).exists()]


def test_holder_that_cannot_keep_its_connections_lets_the_vip_go_at_once(host: Host) -> None:
    (host.fake / "bin/systemd-run").write_text("#!/bin/sh\ncase $* in *-keep*) exit 1 ;; esac\n")
    assert replace(host, drain="30").run("release") == (0, "")
    assert host.calls == [*UNDONE, *UNDONE]


def test_without_a_drain_no_connection_is_touched(host: Host) -> None:
    assert host.run("release") == (0, "")
    assert host.calls == []
    assert host.run("forward") == (0, "")
    assert host.run("stop_forwarding") == (0, "")
    assert host.calls == [*UNDONE, *UNDONE]


def test_next_holder_passes_on_what_comes_for_the_present_one(host: Host) -> None:
    draining = replace(host, drain="2", mac="02:00:00:00:00:01")
    assert draining.run("forward") == (0, "")
    four, six = host.read("calls").split("nft table ")[1:]
    assert four.startswith("ip kube_ha_move_68 {")
    assert "ether saddr 02:00:00:00:00:01 return;" in four
    begins = "ip daddr { 192.0.2.10 } tcp dport 8443 tcp flags & "
    assert f"{begins}(fin | syn | rst | ack) != syn ct state new dup to 192.0.2.11 drop;" in four
    assert f"{begins}(fin | rst) != 0 ct state invalid dup to 192.0.2.11 drop;" in four
    assert six.startswith("ip6 kube_ha_move_68 {")
    assert "ip6 daddr { 2001:db8::10 } " in six
    assert "dup to 2001:db8::11 drop" in six
    assert (host.fake / "forwards").exists()
    assert draining.run("stop_forwarding") == (0, "")
    assert not (host.fake / "forwards").exists()
    assert host.calls[-2:] == UNDONE
    assert f"--collect sh -c {host.fake}/bin/tell all" in host.read("timer")


def test_family_that_the_holder_has_no_address_of_is_not_passed_on(host: Host) -> None:
    assert replace(host, drain="2", holder="192.0.2.11").run("forward") == (0, "")
    assert [line.split("{")[0] for line in host.calls if line.startswith("nft table")] == [
        "nft table ip kube_ha_move_68 "
    ]
    assert "ether" not in host.read("calls")


def test_holder_that_does_not_let_go_is_ready_again_too(host: Host) -> None:
    (host.fake / "keeps").touch()
    assert host.run("release") == (1, "keepalived does not release it\n")
    assert host.seen == ["0", "1"]
    assert host.read("released") == "0\n"


def test_holder_is_ready_again_if_its_controller_goes(host: Host) -> None:
    (host.fake / "keeps").touch()
    (host.fake / "bin" / "sleep").unlink()  # two seconds, in which the controller goes
    with host.start("release") as process:
        deadline = time.monotonic() + 5
        while host.read("released") != "1\n":
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.terminate()
        assert process.wait(timeout=5) == 1
    assert host.read("released") == "0\n"


def test_node_without_the_vip_releases_nothing(host: Host) -> None:
    (host.fake / "holds").unlink()
    assert host.run("release") == (0, "")
    assert host.seen == ["0"]
    assert host.read("released") == "0\n"


def test_node_is_preferred_by_what_is_added_to_its_priority(host: Host) -> None:
    assert host.run("prefer") == (0, "")
    assert host.read("wanted") == "53\n"


def test_node_that_cannot_be_preferred_says_so(host: Host) -> None:
    (host.fake / "wanted").mkdir()
    status, words = host.run("prefer")
    assert status
    assert "wanted" in words


def test_vip_that_is_there_has_arrived(host: Host) -> None:
    assert host.run("take") == (0, "")


def test_vip_that_does_not_arrive_is_reported(host: Host) -> None:
    (host.fake / "holds").unlink()
    assert host.run("take") == (1, "keepalived does not take it\n")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The scripts that hosts are sent."""
    scripts: list[str] = []

    def answer(_task: Task, script: str, *, timeout: float) -> Completed:
        assert timeout > 2.5  # what the script itself waits
        scripts.append(script)
        nonce = re.search(r"^NONCE=(\w+)$", script, re.MULTILINE)
        assert nonce
        return Completed(0, f"@{nonce[1]} changed\n@{nonce[1]} end\n", "")

    monkeypatch.setattr(change, "run_script", answer)
    return scripts


@pytest.mark.parametrize(("preferred", "priority"), [("lb-2", 200), ("lb-3", 1), ("lb-1", 1), (None, 120)])
def test_preferred_node_is_ahead_of_all_others_and_others_are_behind(
    nornir_of: Callable[..., Nornir], sent: list[str], preferred: str | None, priority: int
) -> None:
    nornir = nornir_of()
    intent = load_intent(nornir)
    outcome = nornir.filter(name="lb-2").run(prefer_for_vip, intent=intent, preferred=preferred)["lb-2"][0]
    assert outcome.changed
    assert f"\nWANTED={priority - 120}\n" in sent[0]
    assert sent[0].endswith("}\nif prefer_changes; then section changed; fi\n(\nprefer\n) || exit\nsection end\n")


def test_dry_run_only_asks(nornir_of: Callable[..., Nornir], sent: list[str]) -> None:
    nornir = nornir_of()
    intent = load_intent(nornir)
    nornir.run(prefer_for_vip, intent=intent, preferred="lb-1", dry_run=True).raise_on_error()
    nornir.run(release_vip, intent=intent, dry_run=True).raise_on_error()
    calls = [script.rpartition("}\n")[2] for script in sent]
    assert calls[::3] == [
        f"if {call}_changes; then section changed; fi\nsection end\n" for call in ("prefer", "release")
    ]
    nornir.run(release_vip, intent=intent).raise_on_error()
    assert len(sent) == 9


@pytest.mark.parametrize(
    ("before", "call", "changes"),
    [
        ("", "prefer", True),
        ("prefer", "prefer", False),
        ("", "release", True),
        ('rm "$FAKE/holds"', "release", False),
        ("", "forward", False),  # without a drain, nothing is forwarded
        ("", "stop_forwarding", False),
        ('true >"$FORWARDS"', "stop_forwarding", True),
    ],
)
def test_host_reports_whether_a_call_would_change_anything(
    host: Host, before: str, call: str, *, changes: bool
) -> None:
    status, _ = host.run(f"{before}\n{call}_changes")
    assert (status == 0) is changes


def test_vip_that_does_not_come_is_an_error_of_its_host(
    nornir_of: Callable[..., Nornir], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(task: Task, _script: str, *, timeout: float) -> Completed:
        raise RemoteCommandError(task.host.name, f"keepalived does not take it after {timeout:g} s")

    monkeypatch.setattr(change, "run_script", refuse)
    nornir = nornir_of()
    error = nornir.filter(name="lb-3").run(wait_for_vip, intent=load_intent(nornir))["lb-3"][0].exception
    assert isinstance(error, MoveError)
    assert str(error).startswith("lb-3: 192.0.2.10 did not move: keepalived does not take it")


@pytest.mark.field_report("I2")
def test_end_of_a_preference_is_armed_before_it_is_written_and_disarmed_with_it(host: Host) -> None:
    assert host.run("prefer") == (0, "")
    stop, start = host.read("timer").splitlines()
    assert stop == "systemctl stop kube-ha-move.timer"
    assert start.startswith("systemd-run --quiet --collect --unit kube-ha-move --on-active 60 ")
    assert start.endswith(f"sh -c echo 0 >{host.fake}/wanted; echo 0 >{host.fake}/released")
    assert replace(host, wanted="0").run("prefer") == (0, "")
    assert (host.read("wanted"), host.read("timer").splitlines()[2:]) == ("0\n", ["systemctl stop kube-ha-move.timer"])


@pytest.mark.field_report("I2")
def test_preference_that_is_to_last_has_no_timer(host: Host) -> None:
    assert replace(host, lasts="").run("prefer") == (0, "")
    assert (host.read("wanted"), host.read("timer")) == ("53\n", "systemctl stop kube-ha-move.timer\n")


@pytest.mark.field_report("I2")
@pytest.mark.parametrize("call", ["prefer", "release"])
def test_nothing_is_written_where_its_end_cannot_be_armed(host: Host, call: str) -> None:
    (host.fake / "bin" / "systemd-run").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert host.run(call) == (1, "systemd rejects the timer that would end it\n")
    assert not (host.fake / "wanted").exists()
    assert host.read("released") == "0\n"
    assert "1" not in (host.read("seen") if (host.fake / "seen").exists() else "")
