"""A client of a lab's VIP, the failover test's own, that works while runbooks change the hosts."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.failover.outage import Attempt, Outage, outage
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab import network
from nornir_kube_ha.trials.client_runner import Client, config_of
from nornir_kube_ha.trials.measurement import is_steady
from rig.lab import Lab

CONNECTIONS = 20
PATIENCE = 20.0  # seconds to wait until every request is answered
TAIL = 1.0  # seconds after a change that are still measured
LEAST = 25  # new connections a second; with fewer, the measurement is void


@dataclass
class Load:
    """Fifty new connections a second, and twenty long-lived ones."""

    client: Client
    since: float = 0.0

    def begin(self) -> None:
        """Start counting."""
        assert self.client.wait_until(is_steady, PATIENCE, since=time.monotonic())
        self.since = time.monotonic()

    def seen(self) -> list[Attempt]:
        """Return all requests since the start."""
        seconds = time.monotonic() - self.since
        time.sleep(TAIL)
        attempts = self.client.attempts(self.since)
        assert sum(each.is_new for each in attempts) > LEAST * seconds
        return attempts

    def lost(self) -> list[Attempt]:
        """Return the failed requests since the start."""
        return [each for each in self.seen() if each.failed]

    def outage(self) -> Outage:
        """Return the outage of new connections since the start."""
        return outage(each for each in self.seen() if each.is_new)


@contextmanager
def load_on(lab: Lab) -> Iterator[Load]:
    """Run a client of the lab's cluster in the lab's control namespace."""
    node = load_intent(open_inventory(lab.inventory, forks=1)).nodes[0]

    def start() -> Client:
        network.enter(lab.name)
        return Client.here(node, config_of(node)._replace(connections=CONNECTIONS)).__enter__()

    with ThreadPoolExecutor(1) as inside:
        client = inside.submit(start).result()
    try:
        yield Load(client)
    finally:
        client.stop()
