"""What differs between intent and facts, as a value: what to install, write and tell the units, in order."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

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
from nornir_kube_ha.planning.vrrp_compatibility import vrrp_scripts
from nornir_kube_ha.versions import features

UNITS = ("haproxy", "keepalived")  # the order in which they are told: a VIP without a balancer behind it serves nobody
PACKAGES = (
    "haproxy",
    "keepalived",
    "curl",  # asks as a client does
    "iputils-arping",  # asks who has the VIP
    "iputils-ping",
    "nftables",  # says what the packet filter lets through; its service stays as it is
    "openssl",  # reads the apiservers' certificates
    "python3-minimal",  # runs what tells clients that the VIP has moved
    "socat",  # talks to haproxy's admin socket
    "tcpdump",  # hears VRRP, and who answers for the VIP
)
"""The daemons, and what looks at them."""

RELOADED_BY = {HAPROXY_CFG: "haproxy", HAPROXY_CA: "haproxy", KEEPALIVED_CONF: "keepalived"}
KEEPALIVED_FOLDER = KEEPALIVED_CONF.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not as it should be.

    Arguments:
        file: as it should be
        diff: from what is there, without secrets
    """

    file: ConfigFile
    diff: str


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A unit that has to be told.

    Arguments:
        verb: `enable`, `start`, `reload` or `restart` a unit; `introduce` new scripts to keepalived; `watch` has
            the kernel remember other routers; `daemon-reload` and `create-run-folder` are systemd's own
        unit: `haproxy` or `keepalived`, or the scripts' names; "" where the verb has none
    """

    verb: str
    unit: str = ""

    def __str__(self) -> str:
        """`reload haproxy`."""
        return f"{self.verb} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What differs on one host.

    Arguments:
        install: packages that are missing, those that the inventory pins with their version: `haproxy 2.6.12-1`
        write: files that are not as they should be
        remove: paths of ours that should not be there any more
        units: what the units are asked for, in order
        firewall: what the host's firewall has to be told, none if nothing
        folders: folders of ours that others than root can write to, which is ended
        replaces: paths of files of somebody else that go, and that are kept as what was there before
    """

    install: tuple[str, ...] = ()
    write: tuple[FileChange, ...] = ()
    remove: tuple[str, ...] = ()
    units: tuple[UnitChange, ...] = ()
    firewall: FirewallChange | None = None
    folders: tuple[Folder, ...] = ()
    replaces: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the host is as it should be."""
        return not (self.install or self.touches_live or self.firewall)

    @property
    def touches_files(self) -> bool:
        """Whether any file is written or removed, or a folder's mode is set."""
        return bool(self.write or self.remove or self.folders)

    @property
    def touches_live(self) -> bool:
        """Whether any file or unit is: clients may notice."""
        return self.touches_files or bool(self.units)

    @property
    def paths(self) -> frozenset[str]:
        """Every file that is written or removed."""
        return frozenset((*(change.file.path for change in self.write), *self.remove))

    @property
    def stale_units(self) -> tuple[str, ...]:
        """Units that must read their files again once these are in place."""
        stale = {RELOADED_BY.get(path) for path in self.paths}
        # It drops its scripts when it finds that others can write to their folder, and takes them up by a reload only.
        stale |= {"keepalived" for folder in self.folders if folder.path == KEEPALIVED_FOLDER}
        return tuple(unit for unit in UNITS if unit in stale)

    @property
    def steps(self) -> tuple[str, ...]:
        """What will be done, in order, a few words each: `write /etc/haproxy/haproxy.cfg`, `reload haproxy`."""
        return (
            *(f"install {name}" for name in self.install),
            *(self.firewall.steps if self.firewall else ()),
            *(f"let only root write to {folder.path}" for folder in self.folders),
            *(f"write {change.file.path}" for change in self.write),
            *(f"remove {path}" for path in self.remove),
            *map(str, self.units),
        )

    @property
    def diff(self) -> str:
        """All that differs, as text."""
        return "\n".join(filter(None, (self.packages_diff, self.firewall_diff, self.live_diff)))

    @property
    def packages_diff(self) -> str:
        """What is installed, as text."""
        return "\n".join(f"+ package {name}" for name in self.install)

    @property
    def firewall_diff(self) -> str:
        """What is opened and closed, as text."""
        change = self.firewall
        return "\n".join(filter(None, (change.opened_diff, change.closed_diff))) if change else ""

    @property
    def live_diff(self) -> str:
        """What files and units there are in it, as text."""
        return "\n".join(filter(None, (self.files_diff, self.units_diff)))

    @property
    def files_diff(self) -> str:
        """What is written and removed, as text."""
        folders = (f"- {folder}: others than root can write to it" for folder in self.folders)
        return "\n".join([*folders, *(change.diff for change in self.write), *(f"- {path}" for path in self.remove)])

    @property
    def units_diff(self) -> str:
        """What systemd is asked for, as text."""
        return "\n".join(f"+ {change}" for change in self.units)


def plan(node: Node, files: tuple[ConfigFile, ...], facts: Facts, needed: Iterable[Opening] = ()) -> HostPlan:
    """What differs on one host.

    Arguments:
        node: the host's intent
        files: its files as they should be
        facts: the host as it is
        needed: what has to pass its firewall, if the inventory has that told
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
    """Whether a file is as it should be. A link is not: what it leads to is somebody else's to change."""
    there = facts.files.get(file.path)
    return there is not None and there.matches(file) and not facts.link_of(file.path)


def _file_change(node: Node, file: ConfigFile, facts: Facts) -> FileChange:
    link = facts.link_of(file.path)
    replaced = f"- {file.path}: a link to {link}\n+ {file.path}: a file; {link} stays as it is" if link else ""
    return FileChange(file, "\n".join(filter(None, (diff(facts.files.get(file.path), file, node), replaced))))


def _firewall(node: Node, needed: tuple[Opening, ...], facts: Facts) -> FirewallChange | None:
    if node.firewall == "leave" or not needed:
        return None
    try:
        ruleset = facts.ruleset
    except ValueError:  # the check of the firewall says so
        return None
    return firewall_change(needed, facts.firewall, ruleset) if ruleset else None


def required_packages(node: Node) -> tuple[str, ...]:
    """Packages that a node needs, by Debian's names.

    Arguments:
        node: the host's intent
    """
    # Where keepalived does not find its script, it drops it without a word at run time (the guide's `killall -0`).
    program = node.keepalived.check.script.split()[0].rpartition("/")[2]
    return (*PACKAGES, "psmisc") if program == "killall" else PACKAGES


def missing_packages(node: Node, facts: Facts) -> tuple[str, ...]:
    """Packages that the host needs and has not, by its own names for them; pinned ones with their version.

    Arguments:
        node: the host's intent
        facts: the host as it is
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
    """Have the kernel watch for other routers, or no longer. keepalived's start has it watch by itself."""
    if WATCH not in wanted:
        due = WATCH in changed
    else:
        due = facts.units["keepalived"].is_active and (WATCH in changed or not facts.watches)
    if due:
        yield UnitChange("watch")


def _scripts_to_introduce(change: HostPlan, facts: Facts) -> tuple[str, ...]:
    """Scripts that a keepalived before 2.2.5 must have run once before a reload has it wait for them.

    Until a script that a reload brings has run, such a keepalived is backup, and tells nobody: the VIP is nowhere until
    its adverts are missed.
    """
    package = facts.packages.get("keepalived")
    if features((), package.upstream if package else ()).keeps_vip_with_new_script:
        return ()
    live = facts.files.get(KEEPALIVED_CONF)
    has = live.content.decode(errors="replace") if live else ""
    gets = next((each.file.content for each in change.write if each.file.path == KEEPALIVED_CONF), has)
    # Where an earlier run was cut off, nobody knows which file it has read.
    read = "" if "keepalived" in facts.pending else has
    return tuple(sorted(vrrp_scripts(gets) - vrrp_scripts(read)))


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
