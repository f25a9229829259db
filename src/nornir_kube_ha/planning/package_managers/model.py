"""The interface of a package manager. All differences between them are in its class and its sh file."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import ClassVar


class Family:
    """A package manager, and how its packages differ from Debian's.

    Its sh file defines the functions below, each prefixed with the family's name, as in `apt_installed`. `MANAGER` is
    set to the command that was found. Functions that change packages also have `LOCK`: how many seconds to wait for
    the package manager's lock.

      * `installed PACKAGE...`: prints `PACKAGE VERSION` for each installed package
      * `candidates PACKAGE...`: prints the same for the versions that an install would choose, without refreshing the
        sources; fails if the versions cannot be determined
      * `versions PACKAGE`: prints each available version on a line; fails if they cannot be determined
      * `word PACKAGE VERSION`: prints the argument that requests this version
      * `older VERSION VERSION`: succeeds if the first version is older than the second
      * `refresh`: refreshes the package sources
      * `install WORD...`, `upgrade WORD...`, `downgrade WORD...`: change packages; keep configuration files
      * `unchanged PATH`: succeeds if a configuration file is as haproxy's or keepalived's package ships it
      * `rehearse WORD...`: fails with a message if a change to these would be refused; changes nothing
      * `held PACKAGE`: succeeds if the administrator holds the package; prints the newest version if the hold hides it
      * `unhold PACKAGE`: prints for the operator how to end the hold
      * `trouble WORDS`: classifies an error message: `locked`, `sources` (one cannot be read), `missing`, or nothing
    """

    name: ClassVar[str] = ""
    """Name in facts and of the sh file; "" for a host without a known package manager."""
    commands: ClassVar[tuple[str, ...]] = ()
    """Commands that identify it on a host; the first one found is used."""
    names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Names of required packages by their Debian names, where the two differ."""
    haproxy_service: ClassVar[tuple[str, ...]] = ()
    """Lines that the section `[Service]` of haproxy's unit lacks."""
    keepalived_service: ClassVar[tuple[str, ...]] = ()
    """Lines that the section `[Service]` of keepalived's unit lacks."""

    @property
    def functions(self) -> str:
        """Text of the sh file."""
        return (
            resources.files("nornir_kube_ha.planning.package_managers")
            .joinpath(f"{self.name}.sh")
            .read_text(encoding="utf-8")
        )

    def names_of(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Return this family's names of packages, each once.

        Arguments:
            packages: Debian's names
        """
        return tuple(dict.fromkeys(self.names.get(name, name) for name in packages))
