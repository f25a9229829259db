"""Power off the node that holds many idle connections, and measure how soon all are connected again.

Written to docs/measured.md.
"""

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from campaigns.shared.record import record
from campaigns.shared.settings import deployed_lab
from rig.lab import MASTER, VIP, Lab, on_all

from nornir_kube_ha.intent.names import CLIENTS_TABLE
from nornir_kube_ha.lab.network import BRIDGE, NETNS, control_namespace

PER_PROCESS = 2500
NODES = "192.0.2.11-192.0.2.13, 192.0.2.254"  # and the controller
CLIENTS = "192.0.2.{}"
"""Addresses of the clients' processes: one address has too few ports for all of them."""
# Opens connections, and each again as soon as it ends. On a line on stdin, it prints when each first ended and when it
# was connected again, by CLOCK_MONOTONIC, which the hosts share with this machine.
CLIENT = """
import json, select, socket, sys, time
address, number, own = sys.argv[1], int(sys.argv[2]), sys.argv[3]
poll, kept, ended, again, is_open = select.epoll(), {}, {}, {}, False
def connect(name):
    each = socket.socket()
    each.setblocking(False)
    each.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    each.bind((own, 0))
    each.connect_ex((address, 8443))
    kept[each.fileno()] = each, name
    poll.register(each, select.EPOLLOUT | select.EPOLLIN)
waiting = set(range(number))
for name in range(number):
    connect(name)
poll.register(0, select.EPOLLIN)
while True:
    for place, events in poll.poll():
        if place == 0:
            sys.stdin.readline()
            print(json.dumps([ended, again, len(waiting)]), flush=True)
            sys.exit()
        each, name = kept[place]
        now = time.monotonic()
        wrong = each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if name in waiting and events & select.EPOLLOUT and not wrong and not events & select.EPOLLHUP:
            waiting.discard(name)
            poll.modify(place, select.EPOLLIN)
            if name in ended:
                again[name] = now
            if not waiting and not is_open:
                is_open = True
                ended.clear()  # what ended before all were open is no part of the trial
                again.clear()
                print("open", flush=True)
            continue
        if name not in waiting:
            ended.setdefault(name, now)
        poll.unregister(place)
        kept.pop(place)
        each.close()
        waiting.add(name)
        connect(name)
"""
ASK = "socat - UNIX-CONNECT:/run/haproxy-admin.sock"
# Counts what the new VIP holder sends from the VIP's port to anyone but the clients and the nodes.
COUNTED = f"""table ip counted {{
    chain out {{
        type filter hook output priority -300
        ip saddr {VIP} tcp sport 8443 ip daddr != {{ {CLIENTS.format("100-192.0.2.199")}, {NODES} }} counter
    }}
}}"""
PATIENCE = 60
AFTER = 5  # seconds


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial.

    Arguments:
        took: seconds from the take-over until each client was connected again
        left: number of connections that were not, in the end
        told: number of clients and of segments, as logged by the new VIP holder
        strangers: number of segments to other addresses
        cpu: seconds of processor time that the new VIP holder used meanwhile
    """

    took: Sequence[float]
    left: int
    told: tuple[int, int]
    strangers: int
    cpu: float


@contextmanager
def clients(lab: Lab, number: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Open so many connections from the control namespace, in as many processes as needed."""
    inside = ["nsenter", f"--net={NETNS / control_namespace(lab.name)}"]
    with ExitStack() as stack:
        processes = []
        for first in range(0, number, PER_PROCESS):
            own = CLIENTS.format(100 + first // PER_PROCESS)
            subprocess.run([*inside, "ip", "address", "replace", f"{own}/24", "dev", BRIDGE], check=True)
            each = subprocess.Popen(
                [*inside, sys.executable, "-I", "-c", CLIENT, VIP, str(min(PER_PROCESS, number - first)), own],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(each.wait)
            stack.callback(each.kill)
            processes.append(each)
        for each in processes:
            if not (each.stdout and each.stdout.readline()):
                raise SystemExit("the clients got no connections")
        yield processes


def measure(lab: Lab, number: int) -> Trial:
    """Power off the VIP holder, and measure how its clients recover."""
    lab.bring_vip_home()
    others = [host for host in on_all(lab, "true") if host != MASTER]
    with clients(lab, number) as processes:
        deadline = time.monotonic() + PATIENCE
        while min(known(lab, host) for host in others) < number:
            if time.monotonic() > deadline:
                raise SystemExit("the other nodes did not get the table of clients")
            time.sleep(1)
        for host in others:
            lab.run(host, f"nft '{COUNTED}'")
        before = {host: used(lab, host) for host in others}
        off = time.monotonic()
        power(lab, "off")
        holder, taken = await_take_over(lab, others, off)
        time.sleep(AFTER)
        cpu = used(lab, holder) - before[holder]
        found = [said(each) for each in processes]
        strangers = int(re.findall(r"packets (\d+)", lab.run(holder, "nft list table ip counted"))[0])
        told = re.findall(r": (\d+) clients told, by (\d+) segments", lab.run(holder, f"{JOURNAL} -t kube-ha-clients"))
    power(lab, "on")
    lab.await_healthy()
    for host in others:
        lab.run(host, "nft delete table ip counted")
    took = sorted(at - taken for _, again, _ in found for at in again.values())
    left = number - len(took)
    clients_told, segments = map(int, told[-1])
    return Trial(took, left, (clients_told, segments), strangers, cpu)


def power(lab: Lab, verb: str) -> None:
    completed = lab.kube_ha("lab", verb, "--lab", lab.name, MASTER)
    if completed.status:
        raise SystemExit(completed.stderr)


JOURNAL = "journalctl --boot --no-pager --output cat"


def said(process: subprocess.Popen[str]) -> tuple[dict[str, float], dict[str, float], int]:
    stdout, _ = process.communicate("end\n", timeout=PATIENCE)
    ended, again, waiting = json.loads(stdout)
    return ended, again, waiting


def known(lab: Lab, host: str) -> int:
    """Return the number of entries in a node's table of clients."""
    return int(re.findall(r"used:(\d+)", lab.run(host, f"echo 'show table' | {ASK} | grep {CLIENTS_TABLE}"))[0])


def used(lab: Lab, host: str) -> float:
    """Return the seconds of processor time that a host has used."""
    text = lab.run(
        host, "cat /proc/1/cgroup >/dev/null; cat /sys/fs/cgroup/unified/cpu.stat /sys/fs/cgroup/cpu.stat; true"
    )
    return int(re.findall(r"usage_usec (\d+)", text)[0]) / 1e6


def await_take_over(lab: Lab, others: Sequence[str], since: float) -> tuple[str, float]:
    """Return the new VIP holder, and the moment of its take-over by CLOCK_MONOTONIC: the first after `since`."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for host in others:
            text = lab.run(host, "journalctl --boot -u keepalived --no-pager -o json --output-fields=MESSAGE -n 40")
            for line in text.splitlines():
                entry = json.loads(line)
                at = int(entry["__MONOTONIC_TIMESTAMP"]) / 1e6
                if at > since and "Entering MASTER STATE" in str(entry.get("MESSAGE")):
                    return host, at
        time.sleep(0.2)
    raise SystemExit("no node took the VIP over")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connections", type=int, default=9_900)
    parser.add_argument("--times", type=int, default=3)


def run(options: argparse.Namespace) -> int:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 75  # what haproxy itself needs
    if not 0 < options.connections <= most:
        raise SystemExit(f"haproxy may open few files on this machine: expected at most {most} --connections")
    trials = []
    with deployed_lab("idle") as lab:
        for _ in range(options.times):
            trials.append(measure(lab, options.connections))
            sys.stderr.write(f"{trials[-1].told} reset, all back after {max(trials[-1].took, default=0):.2f} s\n")
    rows = [
        f"| {len(each.took)} | {each.left} | {statistics.median(each.took):.2f} | {max(each.took):.2f} | "
        f"{each.told[0]} | {each.told[1]} | {each.strangers} | {each.cpu:.1f} |"
        for each in trials
    ]
    record(
        "Idle clients of a node that is lost",
        options.command,
        [
            f"{options.connections} idle connections to the VIP holder, {PER_PROCESS} from each address.",
            "The holder is then powered off. Seconds from the take-over until each client is connected again, and the",
            f"new holder's processor time in the {AFTER} s after it.",
            "",
            "| connected again | left | median | last | clients reset | segments | to other addresses | CPU, s |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
        ],
    )
    return 0
