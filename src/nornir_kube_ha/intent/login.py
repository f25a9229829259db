"""Section `login` of the inventory: passwords for logins without a key or an agent."""

from nornir_kube_ha.intent.fields import LoginPassword, Settings


class Login(Settings):
    """Passwords for SSH and sudo."""

    password: LoginPassword | None = None
    """SSH password of `username`, if no key is accepted; takes the forms of `haproxy.stats.password`."""
    sudo_password: LoginPassword | None = None
    """Password that sudo asks a non-root `username` for; `password` if not given. Omit it if sudo asks for none."""
