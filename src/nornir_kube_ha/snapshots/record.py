"""Make the record of one host from the facts of a look."""

from collections.abc import Collection, Iterator, Mapping

from nornir_kube_ha.facts import Facts, Unit
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.facts.origin import UNKNOWN_ORIGIN
from nornir_kube_ha.facts.parse import MOST_OF_A_FILE
from nornir_kube_ha.intent import Intent, Node
from nornir_kube_ha.snapshots.hiding import STATS, VRRP, Hiding
from nornir_kube_ha.snapshots.model import SeenFile, SeenHost, SeenListener, SeenUnit

MOST_PATHS, MOST_LISTENERS = 100, 500  # a malicious host could report any number of them


def seen_host(node: Node, facts: Facts, differs: Collection[str], hiding: Hiding, known: Mapping[str, str]) -> SeenHost:
    """Return the record of a host.

    Arguments:
        node: desired state, as found
        facts: facts of the host
        differs: paths of managed files that are not as the inventory says
        hiding: hides secrets
        known: name of each secret of the inventory, by value

    Raises:
        ValueError: the host reports something that no host has, such as a file's owner with a newline
    """
    whole = [file for file in facts.files.values() if len(file.content) < MOST_OF_A_FILE]
    return SeenHost(
        os=facts.os[:300],
        interface=node.interface,
        holds=tuple(str(vip.ip) for vip in node.vips if facts.holds(vip)),
        packages={name: each.installed for name, each in facts.packages.items() if each.installed},
        files=tuple(_file(file, _writer(node, facts, file.path), hiding, known) for file in whole),
        differs=tuple(sorted(differs)),
        units={unit.name: _unit(unit) for unit in facts.units.values()},  # type: ignore[misc]  # pydantic checks it
        listeners=tuple(_listeners(facts)),
        not_recorded=tuple(dict.fromkeys(_others(facts, {file.path for file in whole})))[:MOST_PATHS],
    )


def known_secrets(intent: Intent) -> dict[str, dict[str, str]]:
    """Return the name of each secret of the inventory by its value, for each host.

    Arguments:
        intent: desired state, with the passwords that were found on hosts
    """
    found: dict[str, dict[str, str]] = {}
    for node in intent.nodes:
        logins = (node.login.password, node.login.sudo_password)
        named = {secret.get_secret_value(): "" for secret in logins if secret}
        if node.keepalived.auth_pass:
            named[node.keepalived.auth_pass.get_secret_value()] = VRRP
        found[node.name] = named | {node.haproxy.stats.password.get_secret_value(): STATS}
    return found


def _writer(node: Node, facts: Facts, path: str) -> str:
    """Return the cluster that a run wrote a file without kube-ha's header for, "" if none did."""
    origin = facts.origins.get(path, UNKNOWN_ORIGIN)
    return origin.cluster or node.cluster if origin.is_ours else ""


def _file(file: FileFact, written_for: str, hiding: Hiding, known: Mapping[str, str]) -> SeenFile:
    try:
        text, encoding = file.content.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = file.content.decode("latin-1"), "latin-1"
    shown = hiding.hide(text, known)
    return SeenFile.model_validate(
        {
            "path": file.path,
            "mode": file.mode,
            "owner": file.owner,
            "group": file.group,
            "encoding": encoding,
            "written_for": written_for,
            "text": shown,
        }
    )


def _unit(unit: Unit) -> SeenUnit:
    return SeenUnit(active=unit.is_active, enabled=unit.enabled, masked=unit.load_state == "masked")


def _listeners(facts: Facts) -> Iterator[SeenListener]:
    for each in facts.listeners[:MOST_LISTENERS]:
        if each.port:
            yield SeenListener(address=each.address, port=each.port, process=each.process)


def _others(facts: Facts, recorded: Collection[str]) -> Iterator[str]:
    """Yield the files that the daemons load or kube-ha manages, and that are not recorded."""
    loaded = [
        file.path
        for unit in facts.units.values()
        for command in unit.loaded.commands
        for file in command.files
        if file.modified is not None
    ]
    yield from (path for path in (*loaded, *facts.files) if path not in recorded)
