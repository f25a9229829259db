"""The shell that runs a script on a host as root, by sudo if need be. Neither script nor password is in a command."""

import secrets
from dataclasses import dataclass

from pydantic import SecretStr

REFUSED = 97  # exit status where sudo lets nobody in, beside its mark


@dataclass(frozen=True, slots=True)
class Completed:
    """A script that has ended.

    Arguments:
        status: its exit status
        stdout: what it printed
        stderr: what it complained about
    """

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Shell:
    """How a script is run.

    Arguments:
        command: for the login's own shell, whichever that is
        before: what goes into its standard input before the script
        mark: last line of its stderr where nobody is let in, beside `REFUSED`
    """

    command: str
    before: str = ""
    mark: str = ""

    def refusal(self, completed: Completed) -> str | None:
        """Why nobody was let in; none if the script was run.

        Arguments:
            completed: what came of it
        """
        words = completed.stderr.rstrip()
        if not self.mark or completed.status != REFUSED or not words.endswith(self.mark):
            return None
        return " ".join(words.removesuffix(self.mark).split())


ROOT = Shell("sh -s")


_SKIP = 'while IFS= read -r line && test "$line" != {mark}; do :; done; exec sh -s'


def sudo(password: SecretStr | None) -> Shell:
    """A shell that becomes root by sudo.

    sudo reads a password from its standard input, where the script comes behind it. Where it asks for none, what stands
    before the mark is skipped. A wrong one would make it take the script's lines for further tries, until the user is
    locked out: so it is first asked to do nothing, with the password and no more on its input.

    Arguments:
        password: what it asks for; none if we know none
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
