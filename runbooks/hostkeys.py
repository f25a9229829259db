"""`kube-ha hostkeys enroll`: show the fingerprints of the hosts' SSH keys, and pin new keys in a known_hosts file."""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

from nornir.core import Nornir

from nornir_kube_ha.cli.confirm import Ask, ask
from nornir_kube_ha.cli.exit_codes import leave_in_time, tell
from nornir_kube_ha.cli.selection import enter_lab, find_inventory, open_inventory, refuse_logins, select_named
from nornir_kube_ha.cli.showing import show
from nornir_kube_ha.errors import HostKeyChangedError, KubeHaError, UsageError
from nornir_kube_ha.files import write_file
from nornir_kube_ha.inventory.load import login_site
from nornir_kube_ha.inventory.login_places import known_hosts_problem, operators_known_hosts
from nornir_kube_ha.inventory.merge import merged_data
from nornir_kube_ha.tasks import get_host_key
from nornir_kube_ha.tasks.hostkeys import HostKey, KeyState


def run_enroll(arguments: argparse.Namespace, *, ask: Ask = ask) -> int:
    """Run `kube-ha hostkeys enroll`.

    Arguments:
        arguments: parsed: `inventory`, `hosts` and `yes`
        ask: asks for confirmation before keys are pinned, unless the arguments include `--yes`

    Returns:
        The exit code: the highest of all hosts' errors

    Raises:
        UsageError: the inventory cannot be used, or pinning was not confirmed
    """
    leave_in_time()
    folder = find_inventory(arguments.inventory)
    nornir = open_inventory(folder)
    names = select_named(nornir, arguments.hosts)
    refuse_logins(nornir, names)
    enter_lab(nornir, names, folder)
    keys, errors = _look(nornir, names)
    show(_table(keys))
    for error in errors:
        tell(f"error: {error}")
    new = [key for key in keys.values() if key.state is KeyState.NEW]
    _refuse_places(nornir, keys)
    files = " and ".join(dict.fromkeys(str(key.file) for key in new))
    if new:
        words = f"Do these {len(new)} fingerprints belong to your hosts? The keys will be pinned in {files} [y/N] "
        if not (arguments.yes or ask(words)):
            raise UsageError("no key was pinned: not confirmed")
        pin(new)
        tell(f"pinned {len(new)} in {files}")
    return max((error.exit_code for error in errors), default=0)


def _refuse_places(nornir: Nornir, keys: Mapping[str, HostKey]) -> None:
    """Refuse to pin a key anywhere but in a known_hosts file of the inventory or of the operator.

    Raises:
        UsageError: a new key would go elsewhere
    """
    folder = login_site(nornir).folder
    for name, key in keys.items():
        lab = merged_data(nornir.inventory.hosts[name]).get("lab")
        if key.state is KeyState.NEW and (problem := known_hosts_problem(key.file, folder, lab, to_write=True)):
            raise UsageError(f"{name}: {problem}; nothing was pinned")


def _look(nornir: Nornir, names: Iterable[str]) -> tuple[dict[str, HostKey], list[KubeHaError]]:
    """Return each host's key, and the errors. A changed key is one of them."""
    wanted = frozenset(names)
    results = nornir.filter(filter_func=lambda host: host.name in wanted).run(get_host_key, raise_on_error=False)
    errors: list[KubeHaError] = []
    keys: dict[str, HostKey] = {}
    for name, multi in results.items():
        result = multi[0]
        if isinstance(result.exception, KubeHaError):
            errors.append(result.exception)
        elif result.exception:
            raise result.exception
        else:
            keys[name] = result.result
            if result.result.state is KeyState.CHANGED:
                errors.append(_changed(name, result.result))
    nornir.data.reset_failed_hosts()
    nornir.close_connections()
    return keys, errors


def _changed(name: str, key: HostKey) -> HostKeyChangedError:
    return HostKeyChangedError(
        name,
        "the host key differs from the pinned one; nothing was pinned. If the change is legitimate: "
        f"ssh-keygen -f {key.file} -R '{key.name}', then enroll it again",
    )


def _table(keys: Mapping[str, HostKey]) -> Iterable[str]:
    rows = [(name, key.name, key.kind, key.fingerprint, key.state.value) for name, key in keys.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def pin(keys: Iterable[HostKey]) -> None:
    """Add keys to the known_hosts files that logins read. A file gets all of its new keys or stays as it was.

    Arguments:
        keys: new ones

    Raises:
        UsageError: a file cannot be written
    """
    lines: dict[Path, list[str]] = {}
    for key in keys:
        lines.setdefault(key.file.resolve(), []).append(f"{key.line}\n")
    for file, new in lines.items():
        try:
            _extend(file, "".join(dict.fromkeys(new)))
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}") from error


def _extend(file: Path, text: str) -> None:
    if not file.exists():
        if file.parent == operators_known_hosts().parent:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the mode that ssh gives it
        write_file(file, text)
        return
    old = file.read_text(encoding="utf-8")
    glue = "\n" if old and not old.endswith("\n") else ""
    write_file(file, f"{old}{glue}{text}", file.stat().st_mode & 0o777)
