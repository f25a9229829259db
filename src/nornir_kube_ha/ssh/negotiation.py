"""What both sides of a login offer each other, so that an error can say it: paramiko says only that nothing fits."""

import contextlib
from collections.abc import Iterator
from typing import Any

import paramiko

from nornir_kube_ha.text import one_line, shortened

_LONGEST = 800  # characters of what a host says that it offers
_PSEUDO = ("ext-info-", "kex-strict-")  # no algorithms, though they stand in the list of key exchanges
_KINDS = {
    "kex algorithm": ("key exchange", "kex_algo_list", "preferred_kex", "KexAlgorithms"),
    "host key": ("kind of host key", "server_key_algo_list", "preferred_keys", "HostKeyAlgorithms"),
    "ciphers": ("cipher", "server_encrypt_algo_list", "preferred_ciphers", "Ciphers"),
    "macs": ("MAC", "server_mac_algo_list", "preferred_macs", "MACs"),
}
"""paramiko's words: what is meant, where the host's list stands, and ours, and sshd_config's name for it."""


class NoCommonAlgorithmError(paramiko.SSHException):
    """Host and paramiko have nothing in common that a login needs. No credential was sent."""


class AuthenticationTimeoutError(Exception):
    """The server has not answered a key or a password in time.

    To paramiko, which goes on with the next key, it would be one more refusal: so it is no error of its kind.
    """


class Transport(paramiko.Transport):
    """Paramiko's, which remembers what the host has offered, and waits once for one that is slow."""

    host_offers: dict[str, Any]

    def auth_publickey(self, *arguments: Any, **named: Any) -> list[str]:  # noqa: ANN401 - paramiko's
        """As paramiko's own."""
        with _told_apart():
            return super().auth_publickey(*arguments, **named)

    def auth_password(self, *arguments: Any, **named: Any) -> list[str]:  # noqa: ANN401 - paramiko's
        """As paramiko's own."""
        with _told_apart():
            return super().auth_password(*arguments, **named)

    def _parse_kex_init(self, m: paramiko.Message) -> None:
        self.host_offers = self._really_parse_kex_init(m)  # type: ignore[attr-defined] # a test holds both names
        m.rewind()
        super()._parse_kex_init(m)  # type: ignore[misc]


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error):
            raise AuthenticationTimeoutError(str(error)) from error
        raise


def no_common_algorithm(transport: object, error: paramiko.SSHException) -> NoCommonAlgorithmError:
    """Return what an error of paramiko's means, with what both sides offer.

    Arguments:
        transport: that it came up on
        error: says that nothing fits
    """
    offers = getattr(transport, "host_offers", {})
    for words, (kind, theirs, ours, keyword) in _KINDS.items():
        if words in str(error) and isinstance(transport, paramiko.Transport) and theirs in offers:
            own = getattr(transport, ours)  # less those that `disabled_algorithms` takes away
            return NoCommonAlgorithmError(
                f"has no {kind} in common with us: it offers {_names(offers[theirs])}; we offer {_names(own)}. "
                f"Allow one of ours in the host's sshd_config ({keyword})"
            )
    return NoCommonAlgorithmError(f"has no algorithm in common with us: {error}")


def _names(offered: object) -> str:
    names = [str(name) for name in offered] if isinstance(offered, list | tuple) else []
    real = [name for name in names if not name.startswith(_PSEUDO)]
    return shortened(one_line(", ".join(real)), _LONGEST) or "none"
