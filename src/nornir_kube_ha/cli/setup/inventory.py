"""The example inventory with the operator's own addresses, checked before anything is written."""

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from nornir_kube_ha.addresses import with_port
from nornir_kube_ha.cli.options.setup import INTERFACE, USER, Named
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.inventory.load import load_intent

PORT = 8443
GROUP = "kube"
HOSTS, GROUPS = "hosts.yaml", "groups.yaml"


@dataclass(frozen=True, slots=True)
class Plan:
    """A cluster to write an inventory of.

    Arguments:
        vip: with its prefix length
        nodes: name and address of each load balancer; the first is the master
        apiservers: name and address of each kube-apiserver
        user: who logs in to the nodes
        interface: the nodes' interface that gets the VIP
    """

    vip: str
    nodes: Named
    apiservers: Named
    user: str
    interface: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return the plan of the given values, with a default for each that is missing.

        Arguments:
            given: the fields by name, None for a missing one; `vip` and `nodes` are required
        """
        defaults = {"apiservers": given["nodes"], "user": USER, "interface": INTERFACE}
        return cls(**defaults | {name: value for name, value in given.items() if value})


def filled_in(examples: Mapping[str, str], plan: Plan) -> Mapping[str, str]:
    """Return the example files with a plan's values, by name. Comments stay.

    Arguments:
        examples: the example files by name
        plan: the operator's cluster

    Raises:
        InventoryError: the plan makes no valid inventory
    """
    comment = examples[HOSTS].partition("\n")[0]
    files = {**examples, HOSTS: f"{comment}\n{_hosts(plan)}", GROUPS: _groups(examples[GROUPS], plan)}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        load_intent(open_inventory(Path(folder)), read_files=False)
    return files


def _hosts(plan: Plan) -> str:
    hosts = []
    for number, (name, address) in enumerate(plan.nodes):
        data = CommentedMap(role="backup" if number else "master")
        hosts.append(_text(CommentedMap({name: CommentedMap(hostname=address, groups=_in_line([GROUP]), data=data)})))
    return "\n".join(hosts)


def _groups(example: str, plan: Plan) -> str:
    tree = YAML().load(example)
    group, vip = tree[GROUP], ip_interface(plan.vip)
    group["username"] = plan.user
    group["data"] |= {
        "vip": plan.vip,
        "interface": plan.interface,
        "virtual_router_id": "auto",
        "control_plane_endpoint": with_port(vip.ip, PORT),
    }
    # libyaml, with which Nornir reads where it is installed, takes no colons of a bare IPv6 address between braces.
    servers = (CommentedMap(name=name, address=_quoted(address)) for name, address in plan.apiservers)
    group["data"]["apiservers"] = CommentedSeq(map(_in_line, servers))
    return _text(tree)


def _quoted(address: str) -> str:
    return DoubleQuotedScalarString(address) if ":" in address else address


def _in_line(value: Any) -> Any:  # noqa: ANN401 - a mapping or a list
    """Return a mapping or list that YAML writes on one line."""
    value = CommentedSeq(value) if isinstance(value, list) else value
    value.fa.set_flow_style()
    return value


def _text(tree: CommentedMap) -> str:
    yaml, text = YAML(), io.StringIO()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(tree, text)
    return text.getvalue()
