"""The observed content and permissions of a file on a host."""

from dataclasses import dataclass, field

from nornir_kube_ha.intent.config_file import ConfigFile


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file that exists on a host.

    Arguments:
        path: absolute path on the host
        mode: permission bits, in octal digits
        owner: user name
        group: group name
        content: bytes; kept out of `repr`, since they may hold a password
        modified: last change of the content, in seconds since 1970 by the host's clock
    """

    path: str
    mode: str
    owner: str
    group: str
    content: bytes = field(repr=False)
    modified: int = 0

    def matches(self, wanted: ConfigFile) -> bool:
        """Return whether content, mode, owner and group equal those of the intended file."""
        return self.content == wanted.data and self.attributes == attributes(wanted)

    @property
    def attributes(self) -> str:
        """Mode, owner and group: `0640 root:haproxy`."""
        return attributes(self)


def attributes(file: "ConfigFile | FileFact") -> str:
    """Return mode, owner and group of an observed or intended file: `0640 root:haproxy`."""
    return f"{file.mode} {file.owner}:{file.group}"
