#!/usr/bin/env python3
"""Verify the load balancers that a NetBox knows: the inventory is nornir-netbox's, the checks are ours.

What we need to know of a device stands in its config context, under `kube_ha`: the same keys as in `data` of an
inventory of files. NetBox's own fields have some of these names, too (`role`, `cluster`), and mean something else: so
the transform function below, which Nornir calls for each host, puts ours in their place.

    NB_URL=https://netbox.example NB_TOKEN=... python examples/netbox.py defaults.yaml

`defaults.yaml` says how hosts are logged in to, as in an inventory of files.
"""

import sys
from pathlib import Path

from nornir import InitNornir
from nornir.core import Nornir
from nornir.core.inventory import Host
from nornir.core.plugins.inventory import TransformFunctionRegister

from nornir_kube_ha import verify
from nornir_kube_ha.report import to_text


def take_config_context(host: Host, **_options: object) -> None:
    """Make a device's config context its data; nothing of a device that has none there is ours.

    Arguments:
        host: a device, with all that NetBox says of it as its data
    """
    context = host.data.get("config_context") or {}
    host.data = {"netbox": {"id": host.data.get("id")}, **context.get("kube_ha", {})}
    if "cluster" in host.data:
        host.data["foreign_keys"] = ["netbox"]  # ours to pass over


def netbox_inventory(defaults: Path) -> Nornir:
    """A Nornir on what NetBox knows; $NB_URL and $NB_TOKEN say which and by what right.

    Arguments:
        defaults: file that says how hosts are logged in to
    """
    TransformFunctionRegister.register("take_config_context", take_config_context)
    return InitNornir(
        runner={"plugin": "interruptible", "options": {"num_workers": 32}},
        inventory={
            "plugin": "NetBoxInventory2",
            "options": {"use_platform_slug": True, "defaults_file": str(defaults)},
            "transform_function": "take_config_context",
        },
        logging={"enabled": False},
    )


def main() -> int:
    """Verify, and print the report."""
    report = verify(netbox_inventory(Path(sys.argv[1])), tell=lambda line: sys.stderr.write(f"{line}\n"))
    sys.stdout.write(to_text(report))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
