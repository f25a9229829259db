"""The values of a snapshot, checked when they are made: a file may come from anywhere."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from nornir_kube_ha.intent.names import MANAGED_PATHS

VERSION = 1
"""Version of the file's format; raised by every incompatible change."""
FORMAT = "nornir-kube-ha snapshot"
MOST_WORDS = 2000  # characters of an error's message

HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,300}$")]
_ADDRESS = r"^(\*|[0-9.]{1,15}|\[[0-9A-Fa-f:.]{1,45}\])(%[A-Za-z0-9._-]{1,15})?$"
Address = Annotated[str, StringConstraints(pattern=_ADDRESS)]
Mode = Annotated[str, StringConstraints(pattern=r"^[0-7]{4}$")]
User = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$")]
Cluster = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,63}$")]
Daemon = Literal["haproxy", "keepalived"]
Path = Literal[MANAGED_PATHS]  # type: ignore[valid-type]  # a tuple of literals: no other path is ever written


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SeenFile(_Value):
    """A file that kube-ha manages, of any origin."""

    path: Path
    """Absolute path on the host."""
    mode: Mode
    """Permission bits, in octal digits."""
    owner: User
    """User name."""
    group: User
    """Group name."""
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    """How `text` becomes the file's bytes."""
    written_for: Cluster = ""
    """Cluster that a run of kube-ha wrote it for, if the file itself does not say so: a template of the inventory."""
    text: str = Field(repr=False)
    """Content, with placeholders instead of secrets."""


class SeenUnit(_Value):
    """A daemon's systemd unit."""

    active: bool
    """It runs."""
    enabled: bool
    """It starts at boot."""
    masked: bool
    """It cannot be started."""


class SeenListener(_Value):
    """A listening TCP socket."""

    address: Address
    """Local address, as `ss` prints it."""
    port: int = Field(ge=1, le=65535)
    """Local port."""
    process: Line
    """Name of the owning process; "" if unknown."""


class SeenHost(_Value):
    """What ran on one host."""

    os: Line
    """Name and release, from os-release."""
    interface: Line
    """The node's network interface."""
    holds: tuple[Line, ...]
    """VIPs that it held."""
    packages: dict[Line, Line]
    """Installed version of each package that kube-ha needs, by the host's names for them."""
    files: tuple[SeenFile, ...]
    """Files that kube-ha manages, as far as they exist."""
    differs: tuple[Line, ...]
    """Paths of files that are not as the inventory says, missing ones too."""
    units: Mapping[Daemon, SeenUnit]
    """The daemons' units."""
    listeners: tuple[SeenListener, ...]
    """Listening TCP sockets."""
    not_recorded: tuple[Line, ...]
    """Paths of other files that the daemons load, which the snapshot lacks."""


class SeenNode(_Value):
    """A host as the inventory had it."""

    hostname: Line
    """Its address for logins."""
    platform: Line
    """As in the inventory, "" if not given."""
    data: dict[str, Any] = Field(repr=False)
    """Its merged data, without logins and secrets."""
    ca: str
    """The certificates of its `apiserver_ca`, "" for none."""


class NotSeen(_Value):
    """Why a host was not seen."""

    type: Line
    """Class of the error: `HostUnreachableError`."""
    message: str = Field(max_length=MOST_WORDS)
    """The error in words."""


class Production(_Value):
    """A look at production: what the inventory said, and what ran on each host."""

    format: Literal[FORMAT] = FORMAT  # type: ignore[valid-type]  # pydantic takes a constant
    """What the file is."""
    version: Literal[VERSION] = VERSION  # type: ignore[valid-type]  # as above
    """Version of the format."""
    taken: AwareDatetime
    """When the look ended."""
    taken_by: Line
    """Operator, version of nornir-kube-ha, and inventory."""
    inventory: dict[HostName, SeenNode]
    """Each node of the inventory."""
    hosts: dict[HostName, SeenHost]
    """Each host that was seen."""
    not_seen: dict[HostName, NotSeen]
    """Each other node of the inventory."""
