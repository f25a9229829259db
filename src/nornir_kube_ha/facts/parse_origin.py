"""From the sections of `origins.sh` that say where live files come from. Pure."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.facts.origin import Origin
from nornir_kube_ha.facts.sections import sections_about

_CLUSTER = re.compile(r"[A-Za-z0-9._-]{1,63}")
MOST_PEERS = 200  # addresses; five generations of a large cluster have fewer


def parse_origins(sections: Mapping[str, str]) -> Iterator[tuple[str, Origin]]:
    """Yield each path with where its file comes from.

    Arguments:
        sections: of a look
    """
    for (path, kind, *cluster), _body in sections_about("origin", sections):
        name = "".join(cluster[:1])
        yield path, Origin(kind, name if _CLUSTER.fullmatch(name) else "")


def parse_kept_peers(text: str) -> Iterator[IPAddress]:
    """Yield the addresses that earlier generations name as peers, without words that are no address.

    Arguments:
        text: of the section
    """
    for word in text.split()[:MOST_PEERS]:
        with suppress(ValueError):
            yield ip_address(word)
