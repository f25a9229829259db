"""Clients of the node that had the VIP are told that it has moved, by the node that has it now or by their own one."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from rig.lab import BACKUPS, HOSTS, MASTER, VIP, Lab, on_all

from nornir_kube_ha.intent.names import CLIENTS, CLIENTS_TABLE
from nornir_kube_ha.lab.network import NETNS, control_namespace

IDLE = """
import json, select, socket, sys, time
address, number = sys.argv[1], int(sys.argv[2])
poll, kept, ended = select.poll(), {}, []
def more():
    for _ in range(number):
        each = socket.create_connection((address, 8443), timeout=10)
        kept[each.fileno()] = each
        poll.register(each, select.POLLIN)
    print("open", flush=True)
more()
poll.register(0, select.POLLIN)
while True:
    for place, _ in poll.poll():
        if place:
            try:
                how = "closed" if not kept[place].recv(1) else "spoke"
            except OSError as error:
                how = type(error).__name__
            poll.unregister(place)
            kept.pop(place).close()
            ended.append(how)
        elif sys.stdin.readline() == "more\\n":
            more()
        else:
            print(json.dumps(ended), flush=True)
            sys.exit()
"""
HALVES = """
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with context.wrap_socket(socket.create_connection((sys.argv[1], 8443), timeout=10)) as sock:
    sock.sendall(b"GET /version HTTP/1.1\\r\\nHost: kubernetes\\r\\n")
    print("asked", flush=True)
    sys.stdin.readline()
    sock.sendall(b"\\r\\n")
    print(sock.recv(4096).decode().splitlines()[0], flush=True)
"""
ASKED = "echo '{}' | socat - UNIX-CONNECT:/run/haproxy-admin.sock"
CALL = f"{CLIENTS} notify /run/haproxy-admin.sock 8443 {VIP} INSTANCE VI-kube-master MASTER 180"
WORKER = f"{ASKED.format('show info')} | grep ^Pid: ; true"
NUMBER = 300
PATIENCE = 30  # seconds; without a word, they would wait for ten minutes


@dataclass
class Idle:
    """Connections to the VIP, of a client that never speaks."""

    lab: Lab
    process: subprocess.Popen[str]
    told: dict[str, int]
    """How many lines each host had written by then about whom it has told."""

    def more(self) -> None:
        """Open as many once more."""
        self._say("more")
        self.await_open()

    def await_open(self) -> None:
        """Until they are."""
        assert self.process.stdout
        assert self.process.stdout.readline() == "open\n"

    def await_told(self, host: str, words: str) -> str:
        """A line that a host has written since about whom it has told.

        Arguments:
            host: its name
            words: what the line has, as a regular expression
        """
        deadline = time.monotonic() + PATIENCE
        while not (found := [line for line in told(self.lab, host)[self.told[host] :] if re.search(words, line)]):
            assert time.monotonic() < deadline, told(self.lab, host)
            time.sleep(0.2)
        return found[0]

    def _say(self, words: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def ended(self) -> list[str]:
        """How each ended that has; nobody asks after that."""
        self._say("end")
        assert self.process.stdout
        found: list[str] = json.loads(self.process.stdout.readline())
        return found


@contextmanager
def idle(lab: Lab, number: int = NUMBER) -> Iterator[Idle]:
    """So many idle connections from the control namespace, where no node is."""
    inside = ["nsenter", f"--net={NETNS / control_namespace(lab.name)}", sys.executable, "-I", "-c", IDLE]
    with subprocess.Popen(
        [*inside, VIP, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            clients = Idle(lab, process, {host: len(told(lab, host)) for host in HOSTS})
            clients.await_open()
            yield clients
        finally:
            process.kill()


def await_known(lab: Lab, host: str, least: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while (known := count(lab, host)) < least:
        assert time.monotonic() < deadline, known
        time.sleep(0.2)


def count(lab: Lab, host: str) -> int:
    """Entries of the control namespace's clients in a node's table."""
    return int(lab.run(host, f"{ASKED.format(f'show table {CLIENTS_TABLE}')} | grep -c 'key=192.0.2.254-'; true"))


def told(lab: Lab, host: str) -> list[str]:
    """What a host has written about whom it has told, in all tests so far."""
    return lab.run(host, "journalctl --quiet --boot --identifier kube-ha-clients --output cat; true").splitlines()


@pytest.fixture
def home(deployed: Lab) -> Iterator[Lab]:
    """The VIP is where it was, before and after."""
    deployed.bring_vip_home()
    yield deployed
    deployed.await_healthy()
    deployed.bring_vip_home()


def holder_of(lab: Lab) -> str:
    found = [host for host, text in on_all(lab, "ip -4 -oneline address show").items() if f" {VIP}/" in text]
    return found[0] if found else ""


def await_holder(lab: Lab, *others: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while (holder := holder_of(lab)) in {"", *others}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return holder


def test_idle_clients_of_a_node_that_is_lost_are_reset_by_the_next_holder(home: Lab) -> None:
    """Its link is cut, so it says nothing more to anybody."""
    with idle(home) as clients:
        for backup in BACKUPS:  # on a busy machine either may be the next
            await_known(home, backup, NUMBER)
        home.run(MASTER, "ip link set eth0 down")
        try:
            holder = await_holder(home, MASTER)
            line = clients.await_told(holder, "taken")
        finally:
            home.run(MASTER, "ip link set eth0 up")
        assert clients.ended() == ["ConnectionResetError"] * NUMBER
    number = int(line.split(": ")[1].split()[0])
    assert number >= NUMBER
    assert line.endswith(f" clients told, by {2 * number} segments")


def test_what_a_hung_haproxy_has_not_even_accepted_is_reset(home: Lab) -> None:
    with idle(home) as clients:
        home.run(MASTER, "systemctl kill --signal STOP haproxy")
        try:
            clients.more()  # the kernel accepts them
            await_holder(home, MASTER)
            clients.await_told(MASTER, "let go")
            assert clients.ended() == ["ConnectionResetError"] * 2 * NUMBER
        finally:
            home.run(MASTER, "systemctl kill --signal CONT haproxy")


def test_segments_do_nothing_to_connections_that_live(home: Lab) -> None:
    """A second holder that hears nobody sends them while the first one serves."""
    with idle(home) as clients:
        await_known(home, BACKUPS[0], NUMBER)
        home.run(BACKUPS[0], f"{CALL}; ip address add {VIP}/32 dev lo; {CALL}; ip address del {VIP}/32 dev lo")
        clients.await_told(BACKUPS[0], rf"^{VIP} taken: .* by [1-9]\d* segments")
        home.run(MASTER, CALL)
        assert clients.ended() == []


COUNTED = f"""table ip counted {{
    set to {{ type ipv4_addr; flags dynamic; counter; }}
    chain out {{
        type filter hook output priority -300
        ip saddr {VIP} tcp sport 8443 ip daddr != 192.0.2.0/24 update @to {{ ip daddr }}
    }}
}}"""


def test_forged_entries_send_nothing_but_two_bare_segments_to_machines(home: Lab) -> None:
    """Whoever reaches the peers' port may write into the table."""
    forged = (
        f"198.51.100.7-4000-{VIP}",  # might be a client
        f"224.0.0.18-4000-{VIP}",
        f"255.255.255.255-4000-{VIP}",
        f"198.51.100.10-99999-{VIP}",
        "198.51.100.8-4000-198.51.100.9",
        "x" * 90,
    )
    writes = ";".join(f"set table {CLIENTS_TABLE} key {key}" for key in forged)
    home.run(MASTER, f"ip route add 198.51.100.0/24 dev eth0; nft '{COUNTED}'; {ASKED.format(writes)}; {CALL}")
    sent = home.run(MASTER, "nft list set ip counted to; nft delete table ip counted; ip route del 198.51.100.0/24")
    assert re.findall(r"(\d+(?:\.\d+){3}) counter packets (\d+) bytes (\d+)", sent) == [("198.51.100.7", "2", "80")]


def test_table_outlives_a_reload(home: Lab) -> None:
    with idle(home):
        await_known(home, MASTER, NUMBER)
        before = {host: home.run(host, WORKER) for host in HOSTS}
        for host in HOSTS:
            home.run(host, "systemctl reload haproxy")
        for host in HOSTS:
            deadline = time.monotonic() + PATIENCE
            while home.run(host, WORKER) in {"", before[host]}:
                assert time.monotonic() < deadline, host
                time.sleep(0.2)
            await_known(home, host, NUMBER)


def test_without_it_no_client_is_notified_and_no_port_is_open(home: Lab) -> None:
    home.set("keepalived.tickle", value=False)
    assert home.deploy().status == 0
    state = f"ls {CLIENTS} 2>/dev/null; ss -Hltn 'sport = :8444'; grep -c notify /etc/keepalived/keepalived.conf; true"
    assert set(on_all(home, state).values()) == {"0\n"}
    verified = home.runbook("verify", "--output", "json")
    verified.must_be_green()


def test_planned_move_resets_idle_clients_at_its_end_and_leaves_nothing(home: Lab) -> None:
    traces = (
        f"ip route show table local to {VIP}; ip route show table local dev lo {VIP}; nft list tables | grep move; true"
    )
    with idle(home) as clients:
        moved = home.kube_ha("vip", "move", "--to", BACKUPS[0], "--drain", "1s", "-i", str(home.inventory))
        assert moved.status == 0, moved.stderr
        clients.await_told(BACKUPS[0], "taken")
        assert clients.ended() == ["ConnectionResetError"] * NUMBER
    left = on_all(home, f"{traces}; cat /proc/sys/net/ipv4/conf/eth0/arp_ignore; ss -Htn src {VIP} | wc -l")
    assert not [host for host, text in left.items() if "kube_ha_move" in text or " dev lo" in text]
    assert {text.split()[-2] for text in left.values()} == {"0"}


def test_connection_that_is_at_work_goes_on_after_a_planned_move(home: Lab) -> None:
    """Half a request before, the other half after the VIP has moved: who has the connection answers it."""
    inside = ["nsenter", f"--net={NETNS / control_namespace(home.name)}", sys.executable, "-I", "-c", HALVES, VIP]
    move = ("vip", "move", "--to", BACKUPS[0], "--drain", "5s", "-i", str(home.inventory))
    with (
        subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking,
        ThreadPoolExecutor(1) as pool,
    ):
        assert asking.stdout
        assert asking.stdout.readline() == "asked\n"
        moving = pool.submit(home.kube_ha, *move)
        await_holder(home, MASTER)
        answer, _ = asking.communicate("on\n", timeout=PATIENCE)
        moved = moving.result()
    assert (moved.status, answer) == (0, "HTTP/1.1 200 OK\n"), moved.stderr
