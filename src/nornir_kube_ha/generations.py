"""The files that were live on a host before each change of them: what there is to go back to."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nornir_kube_ha.config import HAPROXY_CFG, KEEPALIVED_CONF, ConfigFile
from nornir_kube_ha.facts.sections import sections_about, sections_of

FOLDER = "/var/lib/kube-ha"
"""Where a host keeps them."""
KEPT = 5
"""How many a host keeps."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Files that were live once.

    Arguments:
        number: counts up on each host for itself
        replaced: when other files took their place, by the host's clock
        good: every check passed while they were live
        run_id: of the run that replaced them
        user: whose run that was, `root@noc-1`
        is_live: the live files are the same
        before: somebody else's files were among them, which a deploy replaced
    """

    number: int
    replaced: datetime
    good: bool
    run_id: str
    user: str
    is_live: bool
    before: bool = False

    def __str__(self) -> str:
        """`12: good, replaced 2026-11-24 23:00:01 UTC by run 0123456789ab of root@noc-1`."""
        state = "live now" if self.is_live else "good" if self.good else "never passed every check"
        state = f"{state}, before kube-ha" if self.before else state
        when = f"{self.replaced:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.number}: {state}, replaced {when} by run {self.run_id} of {self.user}"


def parse_generations(text: str, nonce: str) -> tuple[Generation, ...]:
    """Read what `list_generations` of generations.sh printed.

    Arguments:
        text: its whole output
        nonce: the word that its lines begin with

    Returns:
        Oldest first

    Raises:
        ValueError: it is cut short, or not what the script prints
    """
    return tuple(_generation(words) for words, _ in sections_about("generation", sections_of(text, nonce)))


def _generation(words: list[str]) -> Generation:
    number, replaced, state, run_id, user, same = words
    when = datetime.fromtimestamp(int(replaced), UTC)
    return Generation(int(number), when, state == "good", run_id, user, same == "live", state == "before")


def parse_files(text: str, nonce: str) -> tuple[ConfigFile, ...]:
    """Read what `show_generation` of generations.sh printed.

    Arguments:
        text: its whole output
        nonce: the word that its lines begin with

    Raises:
        ValueError: it is cut short, or not what the script prints
    """
    return tuple(
        ConfigFile(path, base64.b64decode(body).decode(errors="surrogateescape"), mode, owner, group)
        for (path, mode, owner, group, _), body in sections_about("file", sections_of(text, nonce))
    )


def last_good(generations: Sequence[Generation]) -> Generation | None:
    """The newest that passed every check and is not live.

    Arguments:
        generations: oldest first
    """
    return next((each for each in reversed(generations) if each.good and not each.is_live), None)


def serves(files: Sequence[ConfigFile]) -> bool:
    """Whether these files make a load balancer: what a host had before its first deploy does not.

    Arguments:
        files: of a generation
    """
    return {HAPROXY_CFG, KEEPALIVED_CONF} <= {file.path for file in files}
