"""Generations: the files that were live on a host before each change, kept for a rollback."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.sections import sections_about, sections_of
from nornir_kube_ha.text import shortened

FOLDER = "/var/lib/kube-ha"
"""State folder on a host."""
KEPT = 5
"""Number of generations that a host keeps."""
LONGEST_ABOUT = 200  # characters quoted from an `about` file that cannot be parsed
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Generation:
    """Files that were live before a change.

    Arguments:
        number: sequence number, separate on each host
        replaced: when the change replaced them, by the host's clock
        good: whether every check passed while they were live
        run_id: run that replaced them
        user: user and machine of that run, `root@noc-1`
        is_live: whether the live files are the same
        before: whether foreign files were among them
        trouble: why the generation cannot be read, and its path, "" if it can; no rollback goes to an unreadable one
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
        """Return `12: good, replaced 2026-11-24 23:00:01 UTC by run 0123456789ab of root@noc-1`."""
        if self.trouble:
            return self.trouble
        state = "live now" if self.is_live else "good" if self.good else "never passed every check"
        state = f"{state}, before kube-ha" if self.before else state
        when = f"{self.replaced:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.number}: {state}, replaced {when} by run {self.run_id} of {self.user}"


def parse_generations(text: str, nonce: str) -> tuple[Generation, ...]:
    """Parse the output of `list_generations` in generations.sh.

    Arguments:
        text: the whole output
        nonce: word that begins each of its header lines

    Returns:
        Oldest first; an unreadable generation is included with its `trouble`

    Raises:
        ValueError: the output is truncated or malformed
    """
    return tuple(_generation(words) for words, _ in sections_about("generation", sections_of(text, nonce)))


def _generation(words: list[str]) -> Generation:
    """Return a generation, or one with `trouble`: a damaged folder must not hide the other generations."""
    folder = f"{FOLDER}/generations/{words[0] if words else ''}"
    try:
        number, replaced, state, run_id, user, same = _six(words)
        when = datetime.fromtimestamp(int(replaced), UTC)
        found = Generation(_number(number), when, state == "good", run_id, user, same == "live", state == "before")
    except (ValueError, OverflowError, OSError) as error:
        told = shortened(" ".join(words[1:-1]), LONGEST_ABOUT) or "nothing"
        why = f"cannot read {folder}, skipped: {error}; its file `about` says: {told}"
        return Generation(0, datetime.fromtimestamp(0, UTC), good=False, run_id="", user="", is_live=False, trouble=why)
    return found


def _six(words: list[str]) -> list[str]:
    if len(words) != 6:
        raise ValueError("expected four words: a time, a state, a run and its user")
    return words


def _number(folder: str) -> int:
    if not _NUMBER.fullmatch(folder):
        raise ValueError("expected a number as its name")
    return int(folder)


def parse_files(text: str, nonce: str) -> tuple[ConfigFile, ...]:
    """Parse the output of `show_generation` in generations.sh.

    Arguments:
        text: the whole output
        nonce: word that begins each of its header lines

    Raises:
        ValueError: the output is truncated or malformed
    """
    return tuple(
        ConfigFile(path, base64.b64decode(body).decode(errors="surrogateescape"), mode, owner, group)
        for (path, mode, owner, group, _), body in sections_about("file", sections_of(text, nonce))
    )


def last_good(generations: Sequence[Generation]) -> Generation | None:
    """Return the newest generation that passed every check and is not live; None if there is none.

    Arguments:
        generations: oldest first
    """
    return next((each for each in reversed(generations) if each.good and not each.is_live), None)


def serves(files: Sequence[ConfigFile]) -> bool:
    """Return whether the files of a generation make a load balancer; those from before the first deploy do not."""
    return {HAPROXY_CFG, KEEPALIVED_CONF} <= {file.path for file in files}
