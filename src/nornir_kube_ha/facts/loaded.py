"""The files that a daemon loads, and obstacles to replacing a managed file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nornir_kube_ha.sections import whole


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A configuration file that a daemon reads.

    Arguments:
        path: as the command names it
        modified: last change, in seconds since 1970 by the host's clock; None if the file is missing
    """

    path: str
    modified: int | None


@dataclass(frozen=True, slots=True)
class Command:
    """A command that starts a daemon.

    Arguments:
        words: program and arguments; empty if unknown
        files: configuration files that the command reads, including those of folders and `include` lines
    """

    words: tuple[str, ...] = ()
    files: tuple[LoadedFile, ...] = ()

    def reads(self, path: str) -> bool:
        """Return whether the command reads a configuration file."""
        return any(file.path == path for file in self.files)

    def __str__(self) -> str:
        """Return the words separated by spaces, without quoting."""
        return " ".join(self.words)


NO_COMMAND = Command()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The command of a daemon, as running and as its unit would start it now.

    Arguments:
        start: the unit's current start command
        running: command line of the running process; without words if it does not run
        replaced: programs and libraries in use that an upgrade has replaced on disk
    """

    start: Command = NO_COMMAND
    running: Command = NO_COMMAND
    replaced: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[Command, ...]:
        """The known commands, `start` first, without duplicates."""
        return tuple(each for each in dict.fromkeys((self.start, self.running)) if each.words)

    @property
    def is_outdated(self) -> bool:
        """Whether a restart would use other arguments than the running process has."""
        return bool(self.running.words and self.start.words) and self.running.words[1:] != self.start.words[1:]


NOTHING_KNOWN = Loaded()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why a rename cannot replace a managed file.

    Arguments:
        kind: `link`, `kind` (not a regular file), `mounted` or `immutable`
        path: of the file, or of its folder
        words: the link's target, or the kind of file
    """

    kind: str
    path: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with managed files, or a parent of one.

    Arguments:
        path: absolute path on the host
        mode: permission bits, in octal digits
        owner: user name
        group: group name
    """

    path: str
    mode: str
    owner: str
    group: str

    @property
    def is_only_roots(self) -> bool:
        """Whether only root can write to it: owned by root, not writable for group or others."""
        return self.owner == "root" and not int(self.mode, 8) & 0o022

    @property
    def may_hold_scripts(self) -> bool:
        """Whether keepalived's script security lets it run scripts below this folder (check_security, lib/utils.c)."""
        return self.is_only_roots or (self.owner == self.group == "root" and not int(self.mode, 8) & 0o002)

    def __str__(self) -> str:
        """Return path and permissions: `/etc/keepalived (0775 root:staff)`."""
        return f"{self.path} ({self.mode} {self.owner}:{self.group})"


def loaded(daemon: str, sections: Mapping[str, str]) -> Loaded:
    """Parse a daemon's commands and the files that they read.

    Arguments:
        daemon: `haproxy` or `keepalived`
        sections: all sections of the look
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
    """Parse section `obstacles`."""
    for line in text.splitlines():
        kind, path, *words = line.split(" ", 2)
        yield Obstacle(kind, path, "".join(words))


def folders(text: str) -> Iterator[Folder]:
    """Parse section `folders`."""
    for line in text.splitlines():
        yield Folder(*line.split())
