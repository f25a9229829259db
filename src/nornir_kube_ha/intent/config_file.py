"""A file as it should be on a host."""

from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file as it should be on a host.

    Arguments:
        path: where it is
        content: its text; never shown as it is, since it may hold a password
        mode: its permission bits, in octal digits
        owner: the user it belongs to
        group: the group it belongs to
    """

    path: str
    content: str = field(repr=False)
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"

    @property
    def data(self) -> bytes:
        """Its bytes. What was kept on a host need not be text: bytes that are none stand as surrogates in `content`."""
        return self.content.encode(errors="surrogateescape")

    @property
    def sha256(self) -> str:
        """Of its content, in hexadecimal digits."""
        return sha256(self.data).hexdigest()
