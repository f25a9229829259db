"""Files of planned moves on a host: of a move in progress, or left by one that was interrupted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from nornir_kube_ha.intent import Router
from nornir_kube_ha.intent.names import FORWARDS_FILE, KEEPS_FILE, VIP_RELEASED_FILE, VIP_WANTED_FILE


@dataclass(frozen=True, slots=True)
class Moves:
    """The files that keepalived tracks for planned moves.

    Arguments:
        files: first word of each file, by file name
    """

    files: Mapping[str, str] = field(default_factory=dict)

    def wanted(self, router: Router) -> str:
        """Return what a move adds to the node's priority in a virtual router, as the file has it; "" for nothing."""
        return self._of(router.name(VIP_WANTED_FILE))

    def released(self, router: Router) -> str:
        """Return the file's value that makes the node release a virtual router's VIP; "" if it is not set."""
        return self._of(router.name(VIP_RELEASED_FILE))

    def drains(self, router: Router) -> bool:
        """Return whether the node still forwards or keeps connections from before a move of a router's VIP."""
        return any(PurePosixPath(f"{file}{router.vip.ip}").name in self.files for file in (FORWARDS_FILE, KEEPS_FILE))

    def _of(self, path: str) -> str:
        word = self.files.get(PurePosixPath(path).name, "")
        return "" if word == "0" else word


def moves(text: str) -> Moves:
    """Parse the lines `NAME WORD` of section `moves`."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines())
    return Moves({pair[0]: pair[1] for pair in pairs if len(pair) == 2})
