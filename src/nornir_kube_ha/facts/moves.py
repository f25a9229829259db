"""What a planned move of the VIP has left on a host, while it lasts or because it was cut off."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from nornir_kube_ha.intent import Router
from nornir_kube_ha.intent.names import FORWARDS_FILE, KEEPS_FILE, VIP_RELEASED_FILE, VIP_WANTED_FILE


@dataclass(frozen=True, slots=True)
class Moves:
    """The files by which a host's keepalived is told of moves.

    Arguments:
        files: the first word of each, by its name
    """

    files: Mapping[str, str] = field(default_factory=dict)

    def wanted(self, router: Router) -> str:
        """Return what is added to the node's priority in a virtual router, as the file says it; "" for nothing.

        Arguments:
            router: one of the cluster's
        """
        return self._of(router.name(VIP_WANTED_FILE))

    def released(self, router: Router) -> str:
        """Return what keeps the node from having a virtual router's VIP, as the file says it; "" for nothing.

        Arguments:
            router: one of the cluster's
        """
        return self._of(router.name(VIP_RELEASED_FILE))

    def drains(self, router: Router) -> bool:
        """Whether the node still does something for connections of before a move of a virtual router's VIP.

        Arguments:
            router: one of the cluster's
        """
        return any(PurePosixPath(f"{file}{router.vip.ip}").name in self.files for file in (FORWARDS_FILE, KEEPS_FILE))

    def _of(self, path: str) -> str:
        word = self.files.get(PurePosixPath(path).name, "")
        return "" if word == "0" else word


def moves(text: str) -> Moves:
    """Read lines `NAME WORD` of facts.sh.

    Arguments:
        text: the section's body
    """
    pairs = (line.split(maxsplit=1) for line in text.splitlines())
    return Moves({pair[0]: pair[1] for pair in pairs if len(pair) == 2})
