"""A file as it is on a host."""

from dataclasses import dataclass, field

from nornir_kube_ha.intent.config_file import ConfigFile


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file as it is on a host.

    Arguments:
        path: where it is
        mode: its permission bits, in octal digits
        owner: the user it belongs to
        group: the group it belongs to
        content: its bytes; never shown as they are
        modified: when its content last changed, by the host's clock, in seconds since 1970
    """

    path: str
    mode: str
    owner: str
    group: str
    content: bytes = field(repr=False)
    modified: int = 0

    def matches(self, wanted: ConfigFile) -> bool:
        """Whether content, mode and owner are as wanted.

        Arguments:
            wanted: the file as it should be
        """
        return self.content == wanted.data and self.attributes == attributes(wanted)

    @property
    def attributes(self) -> str:
        """`0640 root:haproxy`."""
        return attributes(self)


def attributes(file: "ConfigFile | FileFact") -> str:
    """Mode and owner as one text: `0640 root:haproxy`.

    Arguments:
        file: as it is or as it should be
    """
    return f"{file.mode} {file.owner}:{file.group}"
