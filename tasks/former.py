"""Find out whether former nodes still answer the cluster's nodes."""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import ip_address

from nornir.core.task import Result, Task

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.errors import UnexpectedReplyError
from nornir_kube_ha.facts.sections import sections_of
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.planning.membership import FormerPeer
from nornir_kube_ha.ssh.remote import assignments, load_script, run_script

TIMEOUT = 30  # seconds; the script listens for three


def get_former_peers(task: Task, intent: Intent, addresses: Mapping[str, Iterable[IPAddress]]) -> Result:
    """Ask former nodes whether they still answer. Changes nothing.

    Arguments:
        intent: desired state, from the inventory
        addresses: of the former nodes, by the name of the host that asks

    Returns:
        Result object with the following attributes set:
          * result (``dict``): a :obj:`nornir_kube_ha.planning.membership.FormerPeer` by address

    Raises:
        UnexpectedReplyError: the host's answer cannot be parsed
    """
    node, asked = intent.node(task.host.name), tuple(addresses[task.host.name])
    nonce = secrets.token_hex(8)
    variables = assignments(
        nonce=nonce,
        interface=node.interface,
        address=str(node.address),
        port=str(node.haproxy.port),
        former=" ".join(map(str, asked)),
    )
    script = variables + load_script("probes.sh") + load_script("former.sh")
    stdout = run_script(task, script, timeout=TIMEOUT).stdout
    try:
        return Result(host=task.host, result=parse_former_peers(stdout, nonce, asked))
    except ValueError as error:
        raise UnexpectedReplyError(task.host.name, f"the host's answer cannot be read: {error}") from error


def parse_former_peers(text: str, nonce: str, asked: Iterable[IPAddress]) -> dict[IPAddress, FormerPeer]:
    """Parse the output of `former.sh`.

    Arguments:
        text: the whole output
        nonce: the word that marks the script's own lines
        asked: addresses that were asked; lines about others are ignored

    Raises:
        ValueError: the output is cut short
    """
    found = {address: FormerPeer() for address in asked}
    for section in sections_of(text, nonce):
        what, _, words = section.partition(" ")
        address, _, how = words.partition(" ")
        with suppress(ValueError, KeyError):
            known = found[ip_address(address)]
            found[ip_address(address)] = (
                known
                | {
                    "answers": FormerPeer(answers=frozenset({how})),
                    "rejects": FormerPeer(rejects_vrrp=True),
                }[what]
            )
    return found
