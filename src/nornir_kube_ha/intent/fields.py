"""Types of single settings. A value cannot end the word, line or block that it has in a configuration file."""

import ast
import inspect
import re
import textwrap
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from nornir_kube_ha.addresses import IPAddress, IPInterface, IPNetwork
from nornir_kube_ha.duration import Duration

MIN_PASSWORD_LENGTH = 12
MOST_TICKS = 2**31 - 1  # haproxy stores a time in a signed int (time.c)
LONGEST_IN_MS, LONGEST_IN_SECONDS = (Duration.of_haproxy(f"{MOST_TICKS}", unit) for unit in ("ms", "s"))
AUTO = 0  # stands for `auto`; RFC 5798 has no VRID 0
_NUMBERS = frozenset({int, float})
WELL_KNOWN_PASSWORDS = frozenset({"123456", "admin", "administrator", "changeme", "haproxy", "password", "secret"})


class Settings(BaseModel):
    """Base of all inventory models: frozen, refuses unknown keys, hides values in pydantic's error texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, data: Any) -> Any:  # noqa: ANN401 - whatever is given
        """Replace a boolean given for a number by its YAML word, which pydantic refuses; it would take True for 1."""
        if not isinstance(data, dict) or not (
            truths := [key for key, value in data.items() if isinstance(value, bool)]
        ):
            return data
        fields = cls.model_fields
        return data | {
            key: str(data[key]).lower()
            for key in truths
            if key in fields and _NUMBERS & {fields[key].annotation, *get_args(fields[key].annotation)}
        }

    @classmethod
    def meaning(cls, key: str) -> str:
        """Return the docstring below a field; "" if there is none.

        pydantic's `use_attribute_docstrings` would parse the source on every import.
        """
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body  # type: ignore[attr-defined]
        for field, below in pairwise(body):
            named = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.target.id == key
            if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                return inspect.cleandoc(str(below.value.value))
        return ""


def _address(value: object) -> IPAddress:
    # ip_address() accepts integers: 5 would become 0.0.0.5.
    if not isinstance(value, str | IPv4Address | IPv6Address):
        raise ValueError("must be text, for example 192.0.2.10 or 2001:db8::10")  # noqa: TRY004 - pydantic collects value errors
    try:
        address = ip_address(value)
    except ValueError:
        raise ValueError(f"is not a valid IPv4 address or IPv6 address{_if_name(value)}") from None
    _refuse_unusable(address)
    return address


def _if_name(value: object) -> str:
    """Return a hint if the value is a host name instead of an address; else ""."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*", value):
        return ""
    return (
        "; host names are not allowed, because the load balancers must start while DNS is down. Use the "
        f"address that `getent ahosts {value}` prints"
    )


def _interface(value: object) -> IPInterface:
    if not isinstance(value, str | IPv4Interface | IPv6Interface):
        raise ValueError("must be text, for example 192.0.2.10/24 or 2001:db8::10/64")  # noqa: TRY004 - as above
    if isinstance(value, str) and "/" not in value:
        raise ValueError("needs its prefix length, for example 192.0.2.10/24 or 2001:db8::10/64")
    try:
        interface = ip_interface(value)
    except ValueError:
        raise ValueError("is not a valid IPv4 interface or IPv6 interface, for example 192.0.2.10/24") from None
    _refuse_unusable(interface.ip)
    if "%" in str(interface):  # `ip` prints addresses without a zone, so a comparison would fail
        raise ValueError("names an interface; expected the address only")
    if interface.ip.is_loopback or interface.ip.is_unspecified or interface.ip.is_multicast:
        raise ValueError("is not an address that a host can have")
    return interface


def _network(value: object) -> IPNetwork:
    if not isinstance(value, str | IPv4Network | IPv6Network):
        raise ValueError("must be text, for example 192.0.2.0/24 or 2001:db8::/64")  # noqa: TRY004 - as above
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise ValueError("is not a valid IPv4 network or IPv6 network, for example 192.0.2.0/24") from None
    if ip_interface(value).ip != network.network_address:
        raise ValueError(f"has bits set beyond its prefix length; write {network}")
    return network


def _refuse_unusable(address: IPAddress) -> None:
    """Refuse IPv6 addresses that are link-local or IPv4-mapped."""
    if isinstance(address, IPv6Address) and (address.is_link_local or address.scope_id):
        raise ValueError("is a link-local address, which needs an interface; use a global or unique local one")
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise ValueError(f"is an IPv4 address; write {address.ipv4_mapped}")


def _text_of_number(value: object) -> object:
    # YAML parses haproxy's `5000` (milliseconds) as a number.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _within_24_days(value: str) -> str:
    if Duration.of_haproxy(value) > LONGEST_IN_MS:
        raise ValueError("is too long: haproxy allows at most 24 days here")
    return value


def _within_68_years(value: str) -> str:
    if Duration.of_haproxy(value, bare="s") > LONGEST_IN_SECONDS:
        raise ValueError("is too long: haproxy allows at most 68 years here")
    return value


def _printable_line(value: str) -> str:
    if not value.isprintable() or value != value.strip() or not value:
        raise ValueError("must be one line of printable text, without spaces at its ends")
    return value


def _without_block(value: str) -> str:
    # keepalived's parser opens a block at any brace and a string at any quote; `!` and `#` start a comment.
    if found := sorted(set(value) & set("{}\"'!#\\")):
        raise ValueError(f"must not contain {' '.join(found)}, which changes the file's structure")
    return value


def weakness_of(password: str) -> str:
    """Return why a password is too weak or unusable in haproxy.cfg; "" if it is acceptable."""
    if not password:
        return "is empty"
    if not re.fullmatch(r"[!-&(-~]+", password):  # printable ASCII except space and ', which would end haproxy's quotes
        return "must be printable ASCII without spaces and '"
    if password.lower() in WELL_KNOWN_PASSWORDS:
        return "is a well-known default; choose another"
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"is too short: {MIN_PASSWORD_LENGTH} characters or more"
    return ""


def _strong_password(value: SecretStr) -> SecretStr:
    if weakness := weakness_of(value.get_secret_value()):
        raise ValueError(weakness)
    return value


def _or_auto(value: object, number: ValidatorFunctionWrapHandler) -> int:
    return AUTO if value == "auto" else int(number(value))


Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address)]
AddressWithPrefix = Annotated[IPv4Interface | IPv6Interface, BeforeValidator(_interface)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Port = Annotated[int, Field(ge=1, le=65535)]

_VRID = Annotated[int, Field(ge=1, le=255)]
VirtualRouterId = Annotated[_VRID, WrapValidator(_or_auto, json_schema_input_type=_VRID | Literal["auto"])]
"""A VRID, or `auto`, which is stored as `AUTO` until all clusters are known."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62})$")]
"""A name that ends up in files and reports: of a host, a cluster, an apiserver, a router."""

LabName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,8}$")]
"""A lab's name: eight characters at most, since it becomes part of interface names (IFNAMSIZ)."""

Interface = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$")]
"""A network interface; the kernel's IFNAMSIZ allows 15 characters."""

HostPort = Annotated[str, StringConstraints(pattern=r"^(\[[0-9A-Fa-f:.]+\]:[0-9]+|[A-Za-z0-9._:/@%+,-]+)$")]
"""HOST:PORT, with an IPv6 address in brackets."""

Path = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]*$")]
"""An absolute path on the host."""

PathPattern = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/*-]*$")]
"""An absolute path on the host, in which `*` stands for any name."""


def network_of(text: str) -> IPNetwork | None:
    """Return the network that a text names; None if it names none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _network_if_it_looks_like_one(value: str) -> str:
    if re.search("[:/]|^[0-9.]+$", value) and not network_of(value):
        raise ValueError("is not a valid network or address, for example 10.244.0.0/16")
    return value


DirectClient = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._:/-]{1,43}$"), AfterValidator(_network_if_it_looks_like_one)
]
"""A network, an address, or the name of a process."""

_TimeText = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,9}(us|ms|s|m|h|d)?$")]
_Time = Annotated[_TimeText, BeforeValidator(_text_of_number, json_schema_input_type=_TimeText | int)]
HAProxyTime = Annotated[_Time, AfterValidator(_within_24_days)]
"""A haproxy time: a number with us, ms, s, m, h or d; milliseconds without a unit. At most 24 days."""

HAProxySeconds = Annotated[_Time, AfterValidator(_within_68_years)]
"""A haproxy time that is in seconds without a unit. At most 68 years."""

_ModeText = Annotated[str, StringConstraints(pattern=r"^0?[0-7]{3}$")]
Mode = Annotated[_ModeText, BeforeValidator(_text_of_number, json_schema_input_type=_ModeText | int)]
"""Permission bits, in octal digits."""

Line = Annotated[str, AfterValidator(_printable_line)]
"""One line that goes into haproxy.cfg unchanged. haproxy validates it when the file is staged."""

KeepalivedLine = Annotated[Line, AfterValidator(_without_block)]
"""One line that goes into keepalived.conf unchanged."""

PackageVersion = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:+~^_-]{0,99}$")]
"""A package version as dpkg and rpm write it: one word of a command, which no command reads as an option."""

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/()-]+( [A-Za-z0-9._:/()-]+)*$")]
"""Display text: words of letters, digits and `._:/()-`, separated by single spaces."""


def _typed_line(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isprintable():
        raise ValueError("must be one line of printable text, as typed at a password prompt")
    return value


LoginPassword = Annotated[SecretStr, AfterValidator(_typed_line)]
"""An SSH or sudo password. Its strength is not checked here, since the host sets it."""


def _vrrp_password(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9$%&()*+,./:;<=>?@\[\]^_`|~-]{1,8}", value.get_secret_value()):
        raise ValueError("must be 1 to 8 printable characters without spaces, quotes, braces, # and !")
    return value


VRRPPassword = Annotated[SecretStr, AfterValidator(_vrrp_password)]
"""A password of VRRP version 2's authentication; it goes over the network in clear text."""

Password = Annotated[SecretStr, AfterValidator(_strong_password)]
