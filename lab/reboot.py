"""Boots a host again that asked for it. Run by boot.sh, as one of the host's own processes: it ends with the host.

A machine that reboots forgets its addresses, its firewall and its kernel's settings. So does a host, since its network
namespace is made anew.
"""

import sys

from nornir_kube_ha.lab.hosts import Host, read_layout


def main(lab: str, host: str) -> None:
    """Boot a host of a lab."""
    Host(lab, host).boot(read_layout(lab))


if __name__ == "__main__":
    main(*sys.argv[1:])
