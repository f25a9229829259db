"""The shell that runs a script on a host as root, by sudo if needed. No command line has the script or the password."""

import secrets
from dataclasses import dataclass

from pydantic import SecretStr

REFUSED = 97  # exit status if sudo refuses, beside the mark


@dataclass(frozen=True, slots=True)
class Completed:
    """The outcome of a script that has ended."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Shell:
    """How to run a script.

    Arguments:
        command: for the login shell, whichever that is
        before: goes to its standard input before the script
        mark: last line of stderr if sudo refuses, beside `REFUSED`
    """

    command: str
    before: str = ""
    mark: str = ""

    def refusal(self, completed: Completed) -> str | None:
        """Return why sudo refuses; None if the script ran.

        Arguments:
            completed: the script's outcome
        """
        words = completed.stderr.rstrip()
        if not self.mark or completed.status != REFUSED or not words.endswith(self.mark):
            return None
        return " ".join(words.removesuffix(self.mark).split())


ROOT = Shell("sh -s")


_SKIP = 'while IFS= read -r line && test "$line" != {mark}; do :; done; exec sh -s'


def sudo(password: SecretStr | None) -> Shell:
    """Return a shell that becomes root by sudo.

    sudo reads a password from its standard input, where the script follows. If sudo asks for none, the shell skips what
    comes before the mark. With a wrong password, sudo would read the script's lines as further tries, until the user is
    locked out. So it runs an empty command first, with only the password on its input.

    Arguments:
        password: for sudo; None if unknown
    """
    mark = f"@{secrets.token_hex(8)}"
    begin = f"LC_ALL=C; export LC_ALL; refused() {{ echo {mark} >&2; exit {REFUSED}; }}"
    if password is None:
        return Shell(f"sh -c '{begin}; sudo -n -- sh -c : </dev/null || refused; exec sudo -n -- sh -s'", mark=mark)
    steps = (
        begin,
        "IFS= read -r word",
        r'printf "%s\n" "$word" | sudo -S -k -p "" -- sh -c : || refused',
        rf'{{ printf "%s\n%s\n" "$word" {mark}; exec cat; }} | sudo -S -k -p "" -- sh -c "$1"',
    )
    skip = _SKIP.format(mark=mark)
    return Shell(f"sh -c '{'; '.join(steps)}' sh '{skip}'", f"{password.get_secret_value()}\n", mark)
