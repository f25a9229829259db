"""Who logs in to a host, beside keys and agents: section `login` of the inventory."""

from nornir_kube_ha.intent.fields import LoginPassword, Settings


class Login(Settings):
    """What a login needs that is secret."""

    password: LoginPassword | None = None
    """The SSH password of `username`, where no key lets it in: forms as those of `haproxy.stats.password`."""
    sudo_password: LoginPassword | None = None
    """What sudo asks a `username` for that is not root; `password` unless given. None where sudo asks for nothing."""
