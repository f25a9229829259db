"""Name what both sides of a login offer when they have no algorithm in common. paramiko's error names neither list."""

import contextlib
from collections.abc import Iterator
from typing import Any

import paramiko

from nornir_kube_ha.text import one_line, shortened

_LONGEST = 800  # characters of a host's offer
_PSEUDO = ("ext-info-", "kex-strict-")  # markers in the list of key exchanges, not algorithms (RFC 8308)
_KINDS = {
    "kex algorithm": ("key exchange", "kex_algo_list", "preferred_kex", "KexAlgorithms"),
    "host key": ("kind of host key", "server_key_algo_list", "preferred_keys", "HostKeyAlgorithms"),
    "ciphers": ("cipher", "server_encrypt_algo_list", "preferred_ciphers", "Ciphers"),
    "macs": ("MAC", "server_mac_algo_list", "preferred_macs", "MACs"),
}
"""By words of paramiko's error: the kind, the attributes with the host's and paramiko's list, sshd_config's option."""


class NoCommonAlgorithmError(paramiko.SSHException):
    """The host and paramiko have no algorithm in common for a part of the login. No credential was sent."""


class AuthenticationTimeoutError(Exception):
    """The server did not answer a key or a password in time.

    It does not derive from paramiko's errors: paramiko would take it for a refusal, and go on with the next key.
    """


class Transport(paramiko.Transport):
    """A transport that keeps the host's offer, and waits for a slow server once, not once for each key.

    Attributes:
        host_offers: algorithms that the host offers, by kind
        refusal: why the host refused the last key or password; None if it refused none
        is_streaming: whether a command was started on it that keeps running
    """

    host_offers: dict[str, Any]
    refusal: paramiko.SSHException | None = None
    is_streaming = False

    def auth_publickey(self, *arguments: Any, **named: Any) -> list[str]:  # noqa: ANN401 - paramiko's
        """Authenticate by key; a time-out raises AuthenticationTimeoutError."""
        with self._told_apart():
            return super().auth_publickey(*arguments, **named)

    def auth_password(self, *arguments: Any, **named: Any) -> list[str]:  # noqa: ANN401 - paramiko's
        """Authenticate by password; a time-out raises AuthenticationTimeoutError."""
        with self._told_apart():
            return super().auth_password(*arguments, **named)

    @contextlib.contextmanager
    def _told_apart(self) -> Iterator[None]:
        try:
            yield
        except paramiko.SSHException as error:
            if "timeout" in str(error) and isinstance(error, paramiko.AuthenticationException):
                raise AuthenticationTimeoutError(str(error)) from error
            self.refusal = error
            raise

    def _parse_kex_init(self, m: paramiko.Message) -> None:
        self.host_offers = self._really_parse_kex_init(m)  # type: ignore[attr-defined] # a test guards both names
        m.rewind()
        super()._parse_kex_init(m)  # type: ignore[misc]


def no_common_algorithm(transport: object, error: paramiko.SSHException) -> NoCommonAlgorithmError:
    """Return an error that names what both sides offer.

    Arguments:
        transport: on which the negotiation failed
        error: paramiko's
    """
    offers = getattr(transport, "host_offers", {})
    for words, (kind, theirs, ours, keyword) in _KINDS.items():
        if words in str(error) and isinstance(transport, paramiko.Transport) and theirs in offers:
            own = getattr(transport, ours)  # without those in `disabled_algorithms`
            return NoCommonAlgorithmError(
                f"has no {kind} in common with kube-ha: it offers {_names(offers[theirs])}; kube-ha "
                f"offers {_names(own)}. Allow one of them in the host's sshd_config ({keyword})"
            )
    return NoCommonAlgorithmError(f"has no algorithm in common with kube-ha: {error}")


def _names(offered: object) -> str:
    names = [str(name) for name in offered] if isinstance(offered, list | tuple) else []
    real = [name for name in names if not name.startswith(_PSEUDO)]
    return shortened(one_line(", ".join(real)), _LONGEST) or "none"
