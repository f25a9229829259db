"""Find out whether former nodes still answer the cluster's nodes."""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import ip_address

from nornir.core.task import Result, Task

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.planning.membership import FormerPeer
from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.ssh.script import Script

ASK = Script(("interface.sh", "section.sh", "former.sh"), "nonce interface address port former")
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
    script = ASK.render(
        nonce=nonce,
        interface=node.interface,
        address=str(node.address),
        port=str(node.haproxy.port),
        former=" ".join(map(str, asked)),
    )
    stdout = run_script(task, script, timeout=TIMEOUT).stdout
    with reading(task):
        return Result(host=task.host, result=parse_former_peers(stdout, nonce, asked))


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
