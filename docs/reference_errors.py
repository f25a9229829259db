"""Write exit-codes.md from the error classes."""

from collections.abc import Iterator

from nornir_kube_ha import errors
from nornir_kube_ha.cli.options.examples import CODES
from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.lab import errors as lab_errors

INTRODUCTION = """\
# Errors and exit codes

Written by `make docs` from the errors themselves. [cli.md](cli.md) says which command ends with which code.

| exit code | when |
|---|---|
"""
ORDER = """
If several apply, the exit code is the first of these: 6, 5, 4, 2, 1, 7.

Code 5: no command lists or breaks a lease. After `LeaseHeldError` nothing was changed. After `LeaseLostError`, hosts
that the run changed before stay changed. [What to do](red.md#after-exit-code-5).

With `--output nagios` the exit codes are those of a monitoring plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. A run
that cannot start is UNKNOWN. A host that was not reached is UNKNOWN, or CRITICAL if a check failed too.

## Errors

A report names an error by its class. All derive from `nornir_kube_ha.errors.KubeHaError`, and most also from the
built-in error that fits. Your own code can catch either.

| error | is also a | exit code | when |
|---|---|---|---|
"""


def errors_page() -> str:
    """Return exit-codes.md."""
    codes = (f"| {code} | {words} |" for code, words in CODES.items())
    return "".join([INTRODUCTION, *(f"{row}\n" for row in codes), ORDER, *(f"{row}\n" for row in _errors())])


def _errors() -> Iterator[str]:
    for module in (errors, lab_errors):
        for name, kind in vars(module).items():
            if not (isinstance(kind, type) and issubclass(kind, KubeHaError) and kind.__module__ == module.__name__):
                continue
            if kind is not KubeHaError:
                words = str(kind.__doc__).partition("\n")[0]
                yield f"| `{name}` | {_built_in(kind)} | {kind.exit_code} | {words} |"


def _built_in(kind: type[KubeHaError]) -> str:
    """Return the nearest built-in base classes of an error."""
    found = [each for each in kind.__mro__ if each.__module__ == "builtins" and issubclass(each, Exception)]
    found.remove(Exception)
    nearest = (each for each in found if not any(other is not each and issubclass(other, each) for other in found))
    return ", ".join(f"`{each.__name__}`" for each in nearest) or "-"
