"""Parsers for the output of `origins.sh`: the origin of live files, and former peers. No I/O."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.facts.origin import Origin
from nornir_kube_ha.sections import sections_about

_CLUSTER = re.compile(r"[A-Za-z0-9._-]{1,63}")
MOST_PEERS = 200  # addresses; more than the kept generations of a large cluster name


def parse_origins(sections: Mapping[str, str]) -> Iterator[tuple[str, Origin]]:
    """Yield path and origin of each live file.

    Arguments:
        sections: all sections of a look
    """
    for (path, kind, *cluster), _body in sections_about("origin", sections):
        name = "".join(cluster[:1])
        yield path, Origin(kind, name if _CLUSTER.fullmatch(name) else "")


def parse_kept_peers(text: str) -> Iterator[IPAddress]:
    """Yield the peers' addresses in earlier generations; words that are not an address are skipped."""
    for word in text.split()[:MOST_PEERS]:
        with suppress(ValueError):
            yield ip_address(word)
