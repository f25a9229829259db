"""Sh scripts for hosts: what each is made of, and the variables that it must be given."""

import shlex
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Script:
    """A script in files of the folder `tasks`.

    Arguments:
        parts: the files' names, in the order in which the host reads them
        inputs: names of the variables that they need, in lower case and between blanks; the shell has upper case
    """

    parts: tuple[str, ...]
    inputs: str

    def render(self, calls: str = "", /, **values: str) -> str:
        """Return the text of the script, with its variables assigned.

        Arguments:
            calls: appended: calls of the script's functions
            values: one for each input

        Raises:
            TypeError: an input has no value, or a value is for no input
        """
        inputs = self.inputs.split()
        missing, unknown = [each for each in inputs if each not in values], [*values.keys() - {*inputs}]
        if missing or unknown:
            words = f"{' + '.join(self.parts)}: expected values for {', '.join(sorted(inputs))}"
            raise TypeError(f"{words}; missing: {', '.join(missing) or '-'}; unknown: {', '.join(unknown) or '-'}")
        return "".join([assignments(**values), *map(load_script, self.parts), calls])


@cache
def load_script(name: str) -> str:
    """Return a file of the folder `tasks`.

    Arguments:
        name: its file name, `facts.sh`
    """
    return resources.files("nornir_kube_ha.tasks").joinpath(name).read_text(encoding="utf-8")


def assignments(**variables: str) -> str:
    """Return quoted shell assignments, for the start of a script.

    Arguments:
        variables: by name in lower case; the shell gets upper case
    """
    return "".join(f"{name.upper()}={shlex.quote(value)}\n" for name, value in variables.items())


def whole(script: str) -> str:
    """Return a script that starts once all of it has arrived, and ends where it reads a variable that is not set.

    A shell runs each line as soon as it has read it.

    Arguments:
        script: POSIX sh
    """
    return f"{{ set -u\n{script}\n}}\n"
