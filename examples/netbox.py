#!/usr/bin/env python3
"""Verify the load balancers in NetBox: the inventory comes from nornir-netbox.

A device's settings are in its config context, under `kube_ha`, with the keys of `data` in an inventory of files.
NetBox uses some of these names itself (`role`, `cluster`), with other meanings. The transform function below replaces
NetBox's fields with kube-ha's keys; Nornir calls it for each host.

    NB_URL=https://netbox.example NB_TOKEN=... python examples/netbox.py defaults.yaml

`defaults.yaml` holds the login settings, as in an inventory of files.
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
    """Replace a device's data with its config context. kube-ha ignores a device without one.

    Arguments:
        host: a device, with NetBox's fields as its data
    """
    context = host.data.get("config_context") or {}
    host.data = {"netbox": {"id": host.data.get("id")}, **context.get("kube_ha", {})}
    if "cluster" in host.data:
        host.data["foreign_keys"] = ["netbox"]  # keys that kube-ha ignores


def netbox_inventory(defaults: Path) -> Nornir:
    """Return a Nornir with the devices in NetBox. $NB_URL is its address, $NB_TOKEN the API token.

    Arguments:
        defaults: file with the login settings
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
    """Verify and print the report."""
    report = verify(netbox_inventory(Path(sys.argv[1])), tell=lambda line: sys.stderr.write(f"{line}\n"))
    sys.stdout.write(to_text(report))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
