"""The intended content and permissions of a file on a host."""

from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that should exist on a host.

    Arguments:
        path: absolute path on the host
        content: text; kept out of `repr`, since it may hold a password
        mode: permission bits, in octal digits
        owner: user name
        group: group name
    """

    path: str
    content: str = field(repr=False)
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"

    @property
    def data(self) -> bytes:
        """The content as bytes. Files kept on a host may hold invalid UTF-8, which `content` has as surrogates."""
        return self.content.encode(errors="surrogateescape")

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal digits."""
        return sha256(self.data).hexdigest()
