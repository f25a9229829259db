"""What a daemon loads, and what stands in the way of replacing one of our files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nornir_kube_ha.facts.sections import whole


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A configuration file that a daemon reads.

    Arguments:
        path: as the command names it
        modified: when it last changed, by the host's clock, in seconds since 1970; none if it is missing
    """

    path: str
    modified: int | None


@dataclass(frozen=True, slots=True)
class Command:
    """A command that starts a daemon.

    Arguments:
        words: program first; empty if it is not known
        files: the configuration files that it reads, those of a folder and included ones among them
    """

    words: tuple[str, ...] = ()
    files: tuple[LoadedFile, ...] = ()

    def reads(self, path: str) -> bool:
        """Return whether it reads a file.

        Arguments:
            path: of the file
        """
        return any(file.path == path for file in self.files)

    def __str__(self) -> str:
        """The words as a shell shows them, without quotes."""
        return " ".join(self.words)


NO_COMMAND = Command()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a daemon loads, by the command that it runs by and by the one that a start would use.

    Arguments:
        start: the command that its unit would start now
        running: the command that it was started with; no words if it does not run
        replaced: programs and libraries that it runs, and that an upgrade has replaced on disk
    """

    start: Command = NO_COMMAND
    running: Command = NO_COMMAND
    replaced: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[Command, ...]:
        """Both, without one that is not known or is the same as the other."""
        return tuple(each for each in dict.fromkeys((self.start, self.running)) if each.words)

    @property
    def is_outdated(self) -> bool:
        """Whether a start would use another command than the one that runs."""
        return bool(self.running.words and self.start.words) and self.running.words[1:] != self.start.words[1:]


NOTHING_KNOWN = Loaded()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a file of ours is not one that a rename simply replaces.

    Arguments:
        kind: `link`, `kind` (it is no file), `mounted` or `immutable`
        path: of the file, or of its folder
        words: what a link leads to, or what it is instead of a file
    """

    kind: str
    path: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that our files are in.

    Arguments:
        path: where it is
        mode: its permission bits, in octal digits
        owner: the user it belongs to
        group: the group it belongs to
    """

    path: str
    mode: str
    owner: str
    group: str

    @property
    def is_only_roots(self) -> bool:
        """Whether only root can write to it, whoever is in its group."""
        return self.owner == "root" and not int(self.mode, 8) & 0o022

    @property
    def may_hold_scripts(self) -> bool:
        """Whether keepalived runs a script that is somewhere below it (check_security of its lib/utils.c)."""
        return self.is_only_roots or (self.owner == self.group == "root" and not int(self.mode, 8) & 0o002)

    def __str__(self) -> str:
        """`/etc/keepalived (0775 root:staff)`."""
        return f"{self.path} ({self.mode} {self.owner}:{self.group})"


def loaded(daemon: str, sections: Mapping[str, str]) -> Loaded:
    """Return what a daemon loads.

    Arguments:
        daemon: `haproxy` or `keepalived`
        sections: all that `facts.sh` printed
    """
    start = Command(_words(f"start {daemon}", sections), tuple(_files(f"loads {daemon} start", sections)))
    words = _words(f"running {daemon}", sections)
    is_same = not words or words[1:] == start.words[1:]
    running = start if is_same else Command(words, tuple(_files(f"loads {daemon} running", sections)))
    return Loaded(start, running if words else NO_COMMAND, _words(f"replaced {daemon}", sections))


def _words(section: str, sections: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sections.get(section, "").split("\n")) if sections.get(section) else ()


def _files(section: str, sections: Mapping[str, str]) -> Iterator[LoadedFile]:
    for line in sections.get(section, "").splitlines():
        modified, _, path = line.partition(" ")
        yield LoadedFile(path, whole(modified) if modified.isdecimal() else None)


def obstacles(text: str) -> Iterator[Obstacle]:
    """Yield what stands in the way of replacing our files.

    Arguments:
        text: section `obstacles` of what `facts.sh` printed
    """
    for line in text.splitlines():
        kind, path, *words = line.split(" ", 2)
        yield Obstacle(kind, path, "".join(words))


def folders(text: str) -> Iterator[Folder]:
    """Yield the folders that our files are in.

    Arguments:
        text: section `folders` of what `facts.sh` printed
    """
    for line in text.splitlines():
        yield Folder(*line.split())
