"""Boot a host that has asked for a reboot. boot.sh runs this as one of the host's processes, so that it ends with it.

A machine that reboots forgets its addresses, its firewall and its kernel's settings. So does the host: it gets a new
network namespace.
"""

import sys

from nornir_kube_ha.lab.hosts import Host, read_layout


def main(lab: str, host: str) -> None:
    """Boot a host of a lab."""
    Host(lab, host).boot(read_layout(lab))


if __name__ == "__main__":
    main(*sys.argv[1:])
