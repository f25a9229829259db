"""What keepalived's two scripts say and do, run for real under sh: only haproxy's socket and the peers are not real."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir
from rig.samples import DATA

from nornir_kube_ha.intent import CHECK_SCRIPT
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import CHECK_APISERVERS

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]

HEADER = (DATA / "show-stat-2.2.9.txt").read_text(encoding="utf-8").splitlines()[0]
COLUMNS = HEADER.removeprefix("# ").rstrip(",").split(",")

# haproxy's side of its socket: keeps what it was asked, and answers from a file. No file: nobody listens.
SOCAT = """#!/bin/sh
[ "$*" = "-t 1 - UNIX-CONNECT:/run/haproxy-admin.sock" ] || exit 99
cat >>"$FAKE/asked"
case $(tail -n 1 "$FAKE/asked") in
"show stat -1 4 -1" | "show info")
    [ ! -e "$FAKE/hangs" ] || exec sleep 5
    [ ! -e "$FAKE/later" ] || ! grep -c "show stat" "$FAKE/asked" | grep -qx 2 || mv "$FAKE/later" "$FAKE/answer"
    cat "$FAKE/answer" 2>/dev/null ;;
"shutdown sessions server "*) echo ;;
*) exit 99 ;;
esac
"""
# A peer's haproxy, asked by the last argument: the status code from a file, 000 where nobody listens.
CURL = """#!/bin/sh
for url; do :; done
echo "$url" >>"$FAKE/peers"
case " $* " in *" --max-time 1 "*) ;; *) exit 99 ;; esac
address=${url#https://}
echo "$(cat "$FAKE/$(echo "$url" | tr -d :/)" 2>/dev/null || echo 000) ${address%/readyz}"
"""
CLOSED_WITHIN = 1.0  # seconds after a script has ended
OWN = "https://192.0.2.11:8443/readyz"
PEERS = ["https://192.0.2.12:8443/readyz", "https://192.0.2.13:8443/readyz"]
UP = ("UP", 5, 60)


@dataclass(frozen=True, slots=True)
class Host:
    """A host on which a script runs, and what it meets there."""

    folder: Path

    def haproxy_says(self, text: str) -> None:
        """What comes back on haproxy's socket."""
        (self.folder / "answer").write_text(text, encoding="utf-8")

    def haproxy_says_later(self, text: str) -> None:
        """What comes back from its second answer on."""
        (self.folder / "later").write_text(text, encoding="utf-8")

    def haproxy_hangs(self) -> None:
        """Nothing comes back, and the connection stays open."""
        (self.folder / "hangs").touch()

    def peer_says(self, url: str, code: int) -> None:
        """What a peer's haproxy answers."""
        name = url.replace(":", "").replace("/", "")
        (self.folder / name).write_text(f"{code}\n", encoding="utf-8")

    def has_process(
        self, pid: int, *, parent: int = 1, state: str = "S", waits_in: str = "ep_poll", unit: str = "haproxy.service"
    ) -> None:
        """A process called haproxy, as /proc shows it."""
        threads = self.folder / f"proc/{pid}/task/{pid}"
        threads.mkdir(parents=True, exist_ok=True)
        stat = f"{pid} (haproxy) {state} {parent} {pid} {pid} 0 -1\n"
        for path, text in (
            (threads / "stat", stat),
            (threads / "wchan", waits_in),
            (threads.parents[1] / "stat", stat),
            (threads.parents[1] / "comm", "haproxy\n"),
            (threads.parents[1] / "cgroup", f"1:name=systemd:/\n0::/system.slice/{unit}\n"),
        ):
            path.write_text(text, encoding="utf-8")

    def has_control_group(self, *pids: int) -> None:
        """The processes of haproxy's unit, as its control group lists them."""
        group = self.folder / "sys/fs/cgroup/system.slice/haproxy.service"
        group.mkdir(parents=True)
        (group / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids), encoding="utf-8")

    def run(self, script: ConfigFile) -> int:
        """The script's exit status. It has no words: keepalived would drop them, or log them each second."""
        path = self.folder / "script"
        own_proc = script.content.replace("/proc/$$/", "/proc/self/").replace("/proc/", f"{self.folder}/proc/")
        own_proc = own_proc.replace("/sys/fs/", f"{self.folder}/sys/fs/")
        path.write_text(own_proc.replace(f"{self.folder}/proc/self", "/proc/self"), encoding="utf-8")
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "FAKE": str(self.folder)}
        done = subprocess.run(
            ["sh", str(path)], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
        assert (done.stdout, done.stderr) == (b"", b"")
        return done.returncode

    @property
    def shut_down(self) -> list[str]:
        """The servers whose sessions haproxy was told to end, which is done beside the script."""
        time.sleep(CLOSED_WITHIN)
        words = "shutdown sessions server "
        return [line.removeprefix(words) for line in self._lines("asked") if line.startswith(words)]

    @property
    def asked_peers(self) -> list[str]:
        """The peers that were asked, in no order."""
        return sorted(self._lines("peers"))

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host whose haproxy and peers are silent."""
    (tmp_path / "bin").mkdir()
    for name, text in (("socat", SOCAT), ("curl", CURL)):
        path = tmp_path / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    return Host(tmp_path)


@pytest.fixture(scope="module")
def script_of(nornir_of: NornirOf, render: Render) -> Callable[..., ConfigFile]:
    """A script of lb-1's, by its path, with settings of a group."""
    return lambda path=CHECK_APISERVERS, **group: render(nornir_of(group=group))["lb-1"][path]


@pytest.fixture(scope="module")
def script(script_of: Callable[..., ConfigFile]) -> ConfigFile:
    """The script that looks at the apiservers, as it is by default."""
    return script_of()


def stat(*servers: tuple[str, int, int], alive: str = "", held: int = 0) -> str:
    """What haproxy says of its servers cp-1, cp-2, ...: status, connections, and seconds in that status.

    `alive` names those that are, "1 2"; each has as many connections there as `held` says.
    """
    lines = [HEADER]
    for number, (status, connections, seconds) in enumerate(servers, start=1):
        ready = {"pxname": "kube-apiserver", "scur": connections, "status": status, "lastchg": seconds}
        lives = "UP" if str(number) in alive.split() else "DOWN"
        resort = {"pxname": "kube-apiserver-alive", "scur": held, "status": lives, "lastchg": 60}
        for values in (ready, resort):
            row: dict[str, Any] = dict.fromkeys(COLUMNS, "0") | {"svname": f"cp-{number}"} | values
            lines.append("".join(f"{row[name]}," for name in COLUMNS))
    return "\n".join([*lines, "", ""])


@pytest.mark.parametrize("release", ["2.2.9", "3.0.11"])
def test_columns_are_where_every_haproxy_has_them(release: str) -> None:
    names = (DATA / f"show-stat-{release}.txt").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [names[number - 1] for number in (1, 2, 5, 18, 24)] == ["# pxname", "svname", "scur", "status", "lastchg"]


DOWN = ("DOWN", 0, 60)


@pytest.mark.parametrize(
    "servers",
    [
        pytest.param([UP, UP, UP], id="all up"),
        pytest.param([DOWN, UP, DOWN], id="one up"),
        pytest.param([DOWN, ("UP 1/2", 0, 60)], id="on its way down"),
        pytest.param([("no check", 0, 60)], id="unchecked"),
    ],
)
def test_node_that_sees_an_apiserver_keeps_the_vip_and_asks_no_peer(
    host: Host, script: ConfigFile, servers: list[tuple[str, int, int]]
) -> None:
    host.haproxy_says(stat(*servers))
    host.peer_says(PEERS[0], 200)
    assert host.run(script) == 0
    assert host.asked_peers == []


BLIND = [
    pytest.param([DOWN, DOWN, DOWN], id="down"),
    pytest.param([DOWN, ("DOWN 1/2", 0, 60)], id="on its way up"),
    pytest.param([("MAINT", 0, 60)], id="taken out by hand"),
]


@pytest.mark.parametrize("servers", BLIND)
@pytest.mark.parametrize(
    ("check", "code"), [("readyz", 200), *(("readyz-or-unauthorized", code) for code in (200, 401, 403))]
)
@pytest.mark.parametrize("peer", PEERS)
def test_blind_node_yields_while_any_peer_serves(
    host: Host,
    script_of: Callable[..., ConfigFile],
    servers: list[tuple[str, int, int]],
    check: str,
    code: int,
    peer: str,
) -> None:
    host.haproxy_says(stat(*servers, alive="1 2 3"))
    host.peer_says(peer, code)
    assert host.run(script_of(haproxy={"check": check})) == 1


@pytest.mark.parametrize("servers", BLIND)
@pytest.mark.parametrize("code", [None, 500, 503, 404, 401])  # 401: the peer's last resort
def test_vip_stays_where_it_is_while_no_node_serves(
    host: Host, script: ConfigFile, servers: list[tuple[str, int, int]], code: int | None
) -> None:
    host.haproxy_says(stat(*servers))
    if code:
        for peer in PEERS:
            host.peer_says(peer, code)
    assert host.run(script) == 0
    assert host.asked_peers == [OWN, *PEERS]


@pytest.mark.parametrize("servers", BLIND)
def test_vip_stays_where_the_last_resort_serves(
    host: Host, script: ConfigFile, servers: list[tuple[str, int, int]]
) -> None:
    """After an etcd election, some nodes' haproxies notice sooner than others' that an apiserver is ready again."""
    host.haproxy_says(stat(*servers, alive="1 2 3"))
    for each in (OWN, *PEERS):
        host.peer_says(each, 200)
    assert host.run(script) == 0


@pytest.mark.parametrize(
    "text", [None, "", "\n", "Permission denied\n", HEADER + "\n", "kube-apiserver,cp-1,0,0\n"], ids=repr
)
def test_silent_haproxy_is_for_the_other_script_to_tell(host: Host, script: ConfigFile, text: str | None) -> None:
    if text is not None:
        host.haproxy_says(text)
    host.peer_says(PEERS[0], 200)
    assert host.run(script) == 0
    assert (host.asked_peers, host.shut_down) == ([], [])


def test_hung_haproxy_is_for_the_other_script_to_tell_and_costs_this_one_no_timeout(
    host: Host, script: ConfigFile
) -> None:
    host.haproxy_says(stat(DOWN))
    host.haproxy_hangs()
    host.peer_says(PEERS[0], 200)
    started = time.monotonic()
    assert host.run(script) == 0
    assert time.monotonic() - started < 2  # the script's `timeout` in keepalived.conf


@pytest.mark.parametrize(
    ("server", "closed"),
    [
        pytest.param(("DOWN", 3, 0), True, id="just taken out"),
        pytest.param(("DOWN", 1, 3600), True, id="down for long"),
        pytest.param(("DOWN 1/2", 3, 5), True, id="on its way up"),
        pytest.param(("DOWN", 0, 5), False, id="no connection"),
        pytest.param(("UP", 3, 5), False, id="up"),
        pytest.param(("UP 1/2", 3, 5), False, id="on its way down"),
        pytest.param(("MAINT", 3, 5), False, id="taken out by hand"),
        pytest.param(("DRAIN", 3, 5), False, id="drained by hand"),
        pytest.param(("no check", 3, 5), False, id="unchecked"),
    ],
)
@pytest.mark.parametrize("yields", [True, False])
def test_connections_of_an_apiserver_that_is_dead_are_closed(
    host: Host, script_of: Callable[..., ConfigFile], server: tuple[str, int, int], *, closed: bool, yields: bool
) -> None:
    host.haproxy_says(stat(("UP", 5, 10), server, alive="1"))
    assert host.run(script_of(keepalived={"yield_when_blind": yields})) == 0
    assert host.shut_down == (["kube-apiserver/cp-2"] if closed else [])


@pytest.mark.parametrize(
    ("seconds", "ready_for", "closed"),
    [
        pytest.param(2, 10, True, id="another serves all the time"),
        pytest.param(1, 60, False, id="not ready for a moment"),
        pytest.param(60, 9, False, id="all were not ready a moment ago"),
    ],
)
def test_connections_of_an_apiserver_that_is_alive_are_closed_if_it_alone_is_not_ready(
    host: Host, script: ConfigFile, seconds: int, ready_for: int, *, closed: bool
) -> None:
    host.haproxy_says(stat(("UP", 5, ready_for), ("DOWN", 3, seconds), alive="1 2"))
    assert host.run(script) == 0
    assert host.shut_down == (["kube-apiserver/cp-2"] if closed else [])


@pytest.mark.parametrize(("seconds", "closed"), [(4, False), (5, True)])
def test_connections_of_one_that_seems_dead_stay_while_all_recover(
    host: Host, script: ConfigFile, seconds: int, *, closed: bool
) -> None:
    host.haproxy_says(stat(("UP", 5, 9), ("DOWN", 3, seconds), alive="1"))
    assert host.run(script) == 0
    assert host.shut_down == (["kube-apiserver/cp-2"] if closed else [])


@pytest.mark.parametrize("alive", ["", "1", "1 2"])
def test_no_connection_is_closed_while_no_apiserver_is_ready(host: Host, script: ConfigFile, alive: str) -> None:
    host.haproxy_says(stat(("DOWN", 3, 60), ("DOWN", 3, 60), alive=alive, held=3))
    assert host.run(script) == 0
    assert host.shut_down == []


@pytest.mark.parametrize("alive", ["1", "1 2"], ids=["dead", "not ready for long"])
def test_connections_that_the_last_resort_has_made_are_closed_too(host: Host, script: ConfigFile, alive: str) -> None:
    host.haproxy_says(stat(UP, ("DOWN", 0, 60), alive=alive, held=3))
    assert host.run(script) == 0
    assert host.shut_down == ["kube-apiserver-alive/cp-2"]


def test_connections_that_the_last_resort_has_made_to_one_that_is_ready_again_stay(
    host: Host, script: ConfigFile
) -> None:
    host.haproxy_says(stat(UP, ("UP", 0, 60), alive="1 2", held=3))
    assert host.run(script) == 0
    assert host.shut_down == []


def test_server_that_is_not_down_a_moment_later_keeps_its_connections(host: Host, script: ConfigFile) -> None:
    host.haproxy_says(stat(UP, ("DOWN", 3, 0)))
    host.haproxy_says_later(stat(UP, ("UP", 3, 0)))
    assert host.run(script) == 0
    assert host.shut_down == []


def test_connections_that_a_tcp_check_calls_dead_are_closed(host: Host, script_of: Callable[..., ConfigFile]) -> None:
    host.haproxy_says(stat(UP, ("DOWN", 3, 0), alive="1 2").replace("kube-apiserver-alive", "admin_stats"))
    assert host.run(script_of(haproxy={"check": "tcp"})) == 0
    assert host.shut_down == ["kube-apiserver/cp-2"]


def test_connections_of_every_apiserver_that_is_dead_are_closed(host: Host, script: ConfigFile) -> None:
    host.haproxy_says(stat(("DOWN", 3, 5), UP, ("DOWN", 1, 2)))
    assert host.run(script) == 0
    assert sorted(host.shut_down) == ["kube-apiserver/cp-1", "kube-apiserver/cp-3"]


def test_without_yielding_a_blind_node_keeps_the_vip(host: Host, script_of: Callable[..., ConfigFile]) -> None:
    host.haproxy_says(stat(("DOWN", 3, 5)))
    host.peer_says(PEERS[0], 200)
    assert host.run(script_of(keepalived={"yield_when_blind": False})) == 0
    assert host.asked_peers == []


def test_without_closing_a_blind_node_yields_still(host: Host, script_of: Callable[..., ConfigFile]) -> None:
    host.haproxy_says(stat(("DOWN", 3, 5), alive="1"))
    host.peer_says(PEERS[0], 200)
    assert host.run(script_of(haproxy={"shutdown_sessions": False})) == 1
    assert host.shut_down == []


@pytest.mark.parametrize(
    ("text", "status"), [(None, 1), ("", 1), ("Permission denied\n", 1), ("Name: HAProxy\nVersion: 2.6.12\n", 0)]
)
def test_haproxy_that_answers_is_alive(
    host: Host, script_of: Callable[..., ConfigFile], text: str | None, status: int
) -> None:
    if text is not None:
        host.haproxy_says(text)
    assert host.run(script_of(CHECK_SCRIPT)) == status


@pytest.mark.parametrize(
    "process",
    [
        pytest.param(None, id="ended"),
        pytest.param({"state": "T"}, id="stopped"),
        pytest.param({"state": "t"}, id="held by a debugger"),
        pytest.param({"state": "D", "waits_in": "io_schedule"}, id="stuck in the kernel"),
        pytest.param({"waits_in": "get_signal"}, id="frozen"),
        pytest.param({"waits_in": "futex_wait_queue"}, id="deadlocked"),
    ],
)
def test_haproxy_that_hangs_is_not_waited_for(
    host: Host, script_of: Callable[..., ConfigFile], process: dict[str, Any] | None
) -> None:
    host.has_process(20)
    if process:
        host.has_process(21, parent=20, **process)
    else:
        host.has_process(20, unit="kubepods/ingress")  # somebody else's haproxy does not serve the VIP
    host.haproxy_says("Name: HAProxy\n")
    host.haproxy_hangs()
    started = time.monotonic()
    assert host.run(script_of(CHECK_SCRIPT)) == 1
    assert time.monotonic() - started < 1  # the script's `timeout` in keepalived.conf


ALIVE = [
    pytest.param({"waits_in": "ep_poll"}, id="waits for events"),
    pytest.param({"waits_in": "do_epoll_wait"}, id="waits for events, another kernel"),
    pytest.param({"waits_in": "0"}, id="a kernel that hides where"),
    pytest.param({"state": "R", "waits_in": "0"}, id="runs"),
]


@pytest.mark.field_report(
    "E1",
    "haproxy#2429, haproxy#3070",
    "12 idle clients of the admin socket on every node leave the VIP without a holder",
    "the check sees in /proc that haproxy works, and the VIP stays",
)
@pytest.mark.parametrize("process", ALIVE)
def test_haproxy_whose_admin_socket_is_full_keeps_the_vip(
    host: Host, script_of: Callable[..., ConfigFile], process: dict[str, Any]
) -> None:
    host.has_process(20)
    host.has_process(21, parent=20, **process)
    host.haproxy_says("Name: HAProxy\n")
    host.haproxy_hangs()
    assert host.run(script_of(CHECK_SCRIPT)) == 0


@pytest.mark.field_report(
    "E4",
    "kubeadm#2478",
    "the VIP has no holder within 3 s of socat's removal, while haproxy serves on each node",
    "keepalived's check needs no other program: the VIP stays, verify is red",
)
@pytest.mark.parametrize("missing", [["socat"], ["socat", "timeout", "sleep"]])
def test_check_that_cannot_ask_keeps_the_vip(
    host: Host, script_of: Callable[..., ConfigFile], missing: list[str]
) -> None:
    host.has_process(20)
    host.has_process(21, parent=20)
    for name in missing:
        path = host.folder / "bin" / name
        path.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
        path.chmod(0o755)
    assert host.run(script_of(CHECK_SCRIPT)) == 0


@pytest.mark.parametrize(("state", "status"), [("S", 0), ("T", 1)])
def test_control_group_tells_which_processes_are_haproxys(
    host: Host, script_of: Callable[..., ConfigFile], state: str, status: int
) -> None:
    host.has_process(20)
    host.has_process(21, parent=20, state=state)
    host.has_process(30, state="T" if state == "S" else "S")  # not of the unit, whatever its own group is called
    host.has_control_group(20, 21)
    assert host.run(script_of(CHECK_SCRIPT)) == status


@pytest.mark.field_report("E4")
@pytest.mark.parametrize("path", [CHECK_SCRIPT, CHECK_APISERVERS])
def test_check_that_cannot_start_another_process_keeps_the_vip(
    host: Host, script_of: Callable[..., ConfigFile], path: str
) -> None:
    """A shell that cannot fork gives up in the middle of the script, as it does by this."""
    host.has_process(21, state="T")
    gives_up = re.sub(
        r"(trap 'exit \$verdict' EXIT.*\n)", r"\1exec 2>/dev/null\n: ${missing:?}\n", script_of(path).content
    )
    assert host.run(ConfigFile(path, gives_up)) == 0
