"""What a family of package managers is: all that differs between them stands in its class, and in its sh file."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import ClassVar


class Family:
    """A package manager, and what its packages do otherwise than others'.

    Its sh file has these functions, each with the family's name before it, as `apt_installed`. They are called with
    `MANAGER` set, the command that was found, and those that change something with `LOCK` as well: seconds to wait for
    whoever holds the package manager's lock.

      * `installed PACKAGE...`: a line `PACKAGE VERSION` for each that the host has
      * `candidates PACKAGE...`: the same of what would be installed, by the sources as they were last read; fails if
        nobody can tell, as `versions` does
      * `versions PACKAGE`: each version that the sources have, a line each
      * `word PACKAGE VERSION`: how this one is asked for
      * `older VERSION VERSION`: whether the first is older than the second
      * `refresh`: reads the package sources again
      * `install WORD...`, `upgrade WORD...`, `downgrade WORD...`: of packages; files of ours that stand there are kept
      * `unchanged PATH`: whether a configuration file is as haproxy's or keepalived's package ships it
      * `rehearse WORD...`: fails, with words, where a change to these would be refused; changes nothing
      * `held PACKAGE`: fails unless the administrator keeps it from changing; prints the newest version if that
        is hidden by it
      * `unhold PACKAGE`: how that is ended, for a person
      * `trouble WORDS`: what words of its own tell of: `locked`, `sources` (one cannot be read), `missing`, or nothing
    """

    name: ClassVar[str] = ""
    """What facts call it, and its sh file. No name: a host on which none was found."""
    commands: ClassVar[tuple[str, ...]] = ()
    """By any of which it is found on a host, the first that is there."""
    names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What packages that we need are called there, by what Debian calls them; the same unless given."""
    haproxy_service: ClassVar[tuple[str, ...]] = ()
    """Lines of section `[Service]` that haproxy's unit lacks there."""
    keepalived_service: ClassVar[tuple[str, ...]] = ()
    """The same of keepalived's."""

    @property
    def functions(self) -> str:
        """Its sh functions."""
        return (
            resources.files("nornir_kube_ha.planning.package_managers")
            .joinpath(f"{self.name}.sh")
            .read_text(encoding="utf-8")
        )

    def names_of(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """What packages are called there, each once.

        Arguments:
            packages: by Debian's names
        """
        return tuple(dict.fromkeys(self.names.get(name, name) for name in packages))
