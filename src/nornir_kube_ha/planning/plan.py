"""The difference between intent and facts: packages to install, files to write and actions on units, in order."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from nornir_kube_ha.daemons import KeepalivedConf, parse_keepalived_conf
from nornir_kube_ha.facts import Facts, Folder
from nornir_kube_ha.firewall import FirewallChange, Opening, firewall_change
from nornir_kube_ha.intent import Node
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import (
    FOLDERS,
    HAPROXY_CA,
    HAPROXY_CFG,
    HAPROXY_DROP_IN,
    KEEPALIVED_CONF,
    KEEPALIVED_DROP_IN,
    WATCH,
)
from nornir_kube_ha.planning.diff import diff
from nornir_kube_ha.planning.package_managers import family_of
from nornir_kube_ha.versions import features

UNITS = ("haproxy", "keepalived")  # in this order, because a VIP without haproxy behind it serves nobody
PACKAGES = (
    "haproxy",
    "keepalived",
    "curl",  # requests as a client sends them
    "iputils-arping",  # finds the VIP holder
    "iputils-ping",
    "nftables",  # reads the packet filter; nftables.service is left alone
    "openssl",  # reads the apiservers' certificates
    "python3-minimal",  # runs the script that notifies clients that the VIP has moved
    "socat",  # talks to haproxy's admin socket
    "tcpdump",  # captures VRRP adverts and ARP replies for the VIP
)
"""The daemons, and the tools that inspect them."""

RELOADED_BY = {HAPROXY_CFG: "haproxy", HAPROXY_CA: "haproxy", KEEPALIVED_CONF: "keepalived"}
KEEPALIVED_FOLDER = KEEPALIVED_CONF.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file to write.

    Arguments:
        file: the intended file
        diff: from the live file, with secrets masked
    """

    file: ConfigFile
    diff: str


@dataclass(frozen=True, slots=True)
class UnitChange:
    """An action on a unit.

    Arguments:
        verb: `enable`, `start`, `reload` or `restart` a unit; `introduce` new scripts to keepalived; `watch`: have
            the kernel record VRRP routers; `daemon-reload` and `create-run-folder` are for systemd
        unit: `haproxy` or `keepalived`; for `introduce` the scripts' names; "" if the verb takes none
    """

    verb: str
    unit: str = ""

    def __str__(self) -> str:
        """Return the action in words: `reload haproxy`."""
        return f"{self.verb} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class HostPlan:
    """The changes of one host.

    Arguments:
        install: missing packages, with the version if the inventory pins it: `haproxy 2.6.12-1`
        write: files that differ from the intended ones
        remove: paths of managed files that are no longer wanted
        units: actions on units, in order
        firewall: change of the firewall's rules, None if there is none
        folders: kube-ha's folders that users other than root can write to; the change revokes that
        replaces: paths of foreign files that are replaced, and kept as the files from before kube-ha
        restores: whether it restores the files from before kube-ha, which ran as they are
    """

    install: tuple[str, ...] = ()
    write: tuple[FileChange, ...] = ()
    remove: tuple[str, ...] = ()
    units: tuple[UnitChange, ...] = ()
    firewall: FirewallChange | None = None
    folders: tuple[Folder, ...] = ()
    replaces: tuple[str, ...] = ()
    restores: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing needs to change on the host."""
        return not (self.install or self.touches_live or self.firewall)

    @property
    def touches_files(self) -> bool:
        """Whether the change writes or removes a file, or sets a folder's mode."""
        return bool(self.write or self.remove or self.folders)

    @property
    def touches_live(self) -> bool:
        """Whether the change touches a file or a unit, so that clients may notice it."""
        return self.touches_files or bool(self.units)

    @property
    def paths(self) -> frozenset[str]:
        """Paths of all files to write or remove."""
        return frozenset((*(change.file.path for change in self.write), *self.remove))

    @property
    def stale_units(self) -> tuple[str, ...]:
        """Units that must reload once the files are in place."""
        stale = {RELOADED_BY.get(path) for path in self.paths}
        # keepalived disables scripts in a folder that others can write to, and enables them again on reload only.
        stale |= {"keepalived" for folder in self.folders if folder.path == KEEPALIVED_FOLDER}
        return tuple(unit for unit in UNITS if unit in stale)

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in order, a few words each: `write /etc/haproxy/haproxy.cfg`, `reload haproxy`."""
        return (
            *(f"install {name}" for name in self.install),
            *(self.firewall.steps if self.firewall else ()),
            *(f"remove write permission for users other than root on {folder.path}" for folder in self.folders),
            *(f"write {change.file.path}" for change in self.write),
            *(f"remove {path}" for path in self.remove),
            *map(str, self.units),
        )

    @property
    def diff(self) -> str:
        """All changes as text."""
        return "\n".join(filter(None, (self.packages_diff, self.firewall_diff, self.live_diff)))

    @property
    def packages_diff(self) -> str:
        """Packages to install, as text."""
        return "\n".join(f"+ package {name}" for name in self.install)

    @property
    def firewall_diff(self) -> str:
        """Firewall rules to add and remove, as text."""
        change = self.firewall
        return "\n".join(filter(None, (change.opened_diff, change.closed_diff))) if change else ""

    @property
    def live_diff(self) -> str:
        """Changes of files and units, as text."""
        return "\n".join(filter(None, (self.files_diff, self.units_diff)))

    @property
    def files_diff(self) -> str:
        """Files to write and remove, as text."""
        folders = (f"- {folder}: writable by users other than root" for folder in self.folders)
        return "\n".join([*folders, *(change.diff for change in self.write), *(f"- {path}" for path in self.remove)])

    @property
    def units_diff(self) -> str:
        """Actions on units, as text."""
        return "\n".join(f"+ {change}" for change in self.units)


def plan(node: Node, files: tuple[ConfigFile, ...], facts: Facts, needed: Iterable[Opening] = ()) -> HostPlan:
    """Return the changes that one host needs.

    Arguments:
        node: the host's node, from the inventory
        files: the intended files
        facts: facts of the host
        needed: packets that the firewall must pass; empty if the inventory does not manage the firewall
    """
    write = tuple(_file_change(node, file, facts) for file in files if not _is_there(file, facts))
    wanted = {file.path for file in files}
    remove = tuple(path for path in sorted(facts.files) if path not in wanted)
    folders = tuple(each for each in facts.folders if each.path in FOLDERS and not each.is_only_roots)
    files_plan = HostPlan(write=write, remove=remove, folders=folders)
    stale = {*files_plan.stale_units, *facts.pending}
    units = (
        *_systemd_changes(node, facts, files_plan.paths),
        *_unit_changes(facts, stale, _scripts_to_introduce(files_plan, facts)),
        *_watch_changes(wanted, files_plan.paths, facts),
    )
    return replace(
        files_plan, install=missing_packages(node, facts), units=units, firewall=_firewall(node, tuple(needed), facts)
    )


def _is_there(file: ConfigFile, facts: Facts) -> bool:
    """Return whether a file is as intended.

    A link never is: its target may belong to other software.
    """
    there = facts.files.get(file.path)
    return there is not None and there.matches(file) and not facts.link_of(file.path)


def _file_change(node: Node, file: ConfigFile, facts: Facts) -> FileChange:
    link = facts.link_of(file.path)
    replaced = f"- {file.path}: a link to {link}\n+ {file.path}: a file; {link} is not changed" if link else ""
    return FileChange(file, "\n".join(filter(None, (diff(facts.files.get(file.path), file, node), replaced))))


def _firewall(node: Node, needed: tuple[Opening, ...], facts: Facts) -> FirewallChange | None:
    if node.firewall == "leave" or not needed:
        return None
    try:
        ruleset = facts.ruleset
    except ValueError:  # the check of the firewall reports it
        return None
    return firewall_change(needed, facts.firewall, ruleset) if ruleset else None


def required_packages(node: Node) -> tuple[str, ...]:
    """Return the packages that a node needs, by their Debian names."""
    # keepalived drops a script that it does not find without an error at run time (the guide's `killall -0`).
    program = node.keepalived.check.script.split()[0].rpartition("/")[2]
    return (*PACKAGES, "psmisc") if program == "killall" else PACKAGES


def missing_packages(node: Node, facts: Facts) -> tuple[str, ...]:
    """Return the required packages that the host lacks, by the host's names for them; pinned ones with their version.

    Arguments:
        node: the host's node, from the inventory
        facts: facts of the host
    """
    installed = {name for name, package in facts.packages.items() if package.installed}
    needed = family_of(facts.package_manager).names_of(required_packages(node))
    return tuple(f"{name} {node.packages.pin_of(name)}".strip() for name in needed if name not in installed)


def _systemd_changes(node: Node, facts: Facts, paths: frozenset[str]) -> Iterator[UnitChange]:
    if paths & {HAPROXY_DROP_IN, KEEPALIVED_DROP_IN} or any(unit.needs_daemon_reload for unit in facts.units.values()):
        yield UnitChange("daemon-reload")
    if node.keepalived.events and not facts.has_run_folder:
        yield UnitChange("create-run-folder")


def _watch_changes(wanted: Collection[str], changed: Collection[str], facts: Facts) -> Iterator[UnitChange]:
    """Yield `watch` if the kernel must start or stop recording VRRP routers.

    Starting keepalived starts the recording too, by its drop-in.
    """
    if WATCH not in wanted:
        due = WATCH in changed
    else:
        due = facts.units["keepalived"].is_active and (WATCH in changed or not facts.watches)
    if due:
        yield UnitChange("watch")


def _scripts_to_introduce(change: HostPlan, facts: Facts) -> tuple[str, ...]:
    """Return the scripts that a keepalived before 2.2.5 must run once before a reload makes it depend on them.

    Until a script that a reload adds has run, such a keepalived is in state BACKUP. It sends no advert of priority 0
    first, so the VIP is down until the backups time out.
    """
    package = facts.packages.get("keepalived")
    if features((), package.upstream if package else ()).keeps_vip_with_new_script:
        return ()
    has = facts.keepalived_conf
    new = (parse_keepalived_conf(each.file.data) for each in change.write if each.file.path == KEEPALIVED_CONF)
    # After an interrupted run, which file keepalived has read is unknown.
    read = KeepalivedConf() if "keepalived" in facts.pending else has
    return tuple(sorted(next(new, has).scripts.keys() - read.scripts.keys()))


def _unit_changes(facts: Facts, stale: set[str], scripts: tuple[str, ...]) -> Iterator[UnitChange]:
    for name in UNITS:
        unit = facts.units[name]
        if not unit.enabled:
            yield UnitChange("enable", name)
        if not unit.is_active:
            yield UnitChange("start", name)
        elif name in stale or unit.renewal:
            verb = unit.renewal or "reload"
            if scripts and (verb, name) == ("reload", "keepalived"):
                yield UnitChange("introduce", " ".join(scripts))
            yield UnitChange(verb, name)
