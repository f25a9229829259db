"""The files that were live on a host before each change of them: what there is to go back to."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nornir_kube_ha.facts.sections import sections_about, sections_of
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.text import shortened

FOLDER = "/var/lib/kube-ha"
"""Where a host keeps them."""
KEPT = 5
"""How many a host keeps."""
LONGEST_ABOUT = 200  # characters of what stands in the place of a generation's description
_NUMBER = re.compile(r"[0-9]{1,9}")


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
        trouble: why it cannot be read, and where it is; it is no way back then. "" if it can
    """

    number: int
    replaced: datetime
    good: bool
    run_id: str
    user: str
    is_live: bool
    before: bool = False
    trouble: str = ""

    def __str__(self) -> str:
        """`12: good, replaced 2026-11-24 23:00:01 UTC by run 0123456789ab of root@noc-1`."""
        if self.trouble:
            return self.trouble
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
        Oldest first; one that cannot be read is among them, and says so

    Raises:
        ValueError: it is cut short, or not what the script prints
    """
    return tuple(_generation(words) for words, _ in sections_about("generation", sections_of(text, nonce)))


def _generation(words: list[str]) -> Generation:
    """A generation. What stands in its folder may be anybody's, and must not cost the others."""
    folder = f"{FOLDER}/generations/{words[0] if words else ''}"
    try:
        number, replaced, state, run_id, user, same = _six(words)
        when = datetime.fromtimestamp(int(replaced), UTC)
        found = Generation(_number(number), when, state == "good", run_id, user, same == "live", state == "before")
    except (ValueError, OverflowError, OSError) as error:
        told = shortened(" ".join(words[1:-1]), LONGEST_ABOUT) or "nothing"
        why = f"{folder} cannot be read, and is passed over: {error}; its file `about` says: {told}"
        return Generation(0, datetime.fromtimestamp(0, UTC), good=False, run_id="", user="", is_live=False, trouble=why)
    return found


def _six(words: list[str]) -> list[str]:
    if len(words) != 6:
        raise ValueError("it is not described in four words: a time, a state, a run and its user")
    return words


def _number(folder: str) -> int:
    if not _NUMBER.fullmatch(folder):
        raise ValueError("its name is no number")
    return int(folder)


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
