"""The virtual routers in the keepalived.conf files of a host, with their includes in place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import ip_interface
from posixpath import dirname, join

from nornir_kube_ha.addresses import IPAddress, IPInterface
from nornir_kube_ha.adoption.note import Place
from nornir_kube_ha.adoption.running import SourceFile
from nornir_kube_ha.daemons import KeepalivedConf, VRRPInstanceConf, parse_keepalived_conf
from nornir_kube_ha.daemons.keepalived_conf import ADVERTISED, EXCLUDED, Statement

INCLUDES = frozenset(f"include{flag}" for flag in ("", *"abmrw"))
PRIORITY = 100
"""keepalived's default."""


@dataclass(frozen=True, slots=True)
class Conf:
    """All keepalived.conf files of a host as one.

    Arguments:
        whole: with the statements of included files instead of the includes
        paths: of the file that each statement stands in
    """

    whole: KeepalivedConf
    paths: Mapping[Statement, str] = field(repr=False)

    def place(self, statement: Statement) -> Place:
        """Return where a statement stands."""
        return Place(self.paths.get(statement, "/etc/keepalived/keepalived.conf"), statement.first)

    def all(self, *keywords: str) -> Iterator[Statement]:
        """Yield the outermost statements with one of the keywords."""
        return (each for each in self.whole.statements if each.keyword in keywords)


def read_conf(files: tuple[SourceFile, ...]) -> Conf:
    """Return what files say.

    Arguments:
        files: keepalived.conf first

    Raises:
        ValueError: the braces of a file do not match
    """
    paths: dict[Statement, str] = {}
    trees: dict[str, tuple[Statement, ...]] = {}
    for file in files:
        conf = parse_keepalived_conf(file.content)
        if conf.fault:
            raise ValueError(f"{file.path}: {conf.fault}")
        trees[file.path] = conf.statements
    main = files[0].path if files else ""
    whole = tuple(_expanded(trees.pop(main, ()), main, trees, paths))
    return Conf(KeepalivedConf(whole), paths)


def _expanded(
    statements: tuple[Statement, ...], path: str, left: dict[str, tuple[Statement, ...]], paths: dict[Statement, str]
) -> Iterator[Statement]:
    """Yield statements with included files instead of each `include`.

    Arguments:
        statements: of a file
        path: of the file
        left: files that were not included yet: each is taken once, so that no file can include itself
        paths: gets the file of each statement
    """
    for each in statements:
        if each.keyword in INCLUDES and each.argument:
            pattern = join(dirname(path), each.argument)
            for found in [name for name in sorted(left) if fnmatchcase(name, pattern)]:
                yield from _expanded(left.pop(found, ()), found, left, paths)
            continue
        block = tuple(_expanded(each.block, path, left, paths)) if each.block else ()
        whole = Statement(each.words, each.first, each.last, block)
        paths.setdefault(whole, path)
        yield whole


@dataclass(frozen=True, slots=True)
class RouterSeen:
    """A `vrrp_instance` with VIPs, on one host.

    Arguments:
        instance: as it was read
        conf: that it stands in
        group: names of the instances of its `vrrp_sync_group`, itself among them; empty without one
    """

    instance: VRRPInstanceConf
    conf: Conf = field(repr=False)
    group: frozenset[str] = frozenset()

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.conf.place(self.instance.statement)

    @property
    def vrid(self) -> int:
        """The VRID; 0 if there is none."""
        text = self.instance.virtual_router_id
        return int(text) if text.isdecimal() and len(text) <= 3 else 0

    @property
    def priority(self) -> int:
        """The priority, or keepalived's default."""
        text = self.instance.value("priority")
        return int(text) if text.isdecimal() and len(text) <= 3 else PRIORITY

    @property
    def vips(self) -> tuple[IPInterface, ...]:
        """VIPs in file order, with the prefix length that is written, those of a single address without one."""
        return tuple(found for found in map(_interface, self.instance.addresses) if found)

    @property
    def is_preempting(self) -> bool:
        """Whether it takes the VIP back: keepalived ignores `nopreempt` where the state is MASTER."""
        has_word = any(each.keyword == "nopreempt" for each in self.instance.statement.block)
        return not has_word or self.instance.value("state") == "MASTER"

    @property
    def addresses(self) -> frozenset[IPAddress]:
        """VIPs without prefix lengths."""
        return frozenset(each.ip for each in self.vips)

    def where(self, *keywords: str) -> Place:
        """Return the line of the last of some keywords; that of the instance if none is there."""
        found = [*self.lines(*keywords)]
        return self.conf.place(found[-1]) if found else self.place

    def lines(self, *keywords: str) -> Iterator[Statement]:
        """Yield the statements with one of the keywords."""
        return (each for each in self.instance.statement.block if each.keyword in keywords)

    def options(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield each VIP as written with the options behind it: `dev`, `label`, ..."""
        for line in (line for each in self.lines(ADVERTISED, EXCLUDED) for line in each.block):
            yield line.keyword, dict(zip(line.words[1::2], line.words[2::2], strict=False))


def routers_of(conf: Conf) -> tuple[RouterSeen, ...]:
    """Return the instances with VIPs, in file order."""
    groups: dict[str, frozenset[str]] = {}
    for group in conf.all("vrrp_sync_group"):
        lines = (line for names in group.block if names.keyword == "group" for line in names.block)
        members = frozenset(word for line in lines for word in line.words)
        groups |= dict.fromkeys(members, members)
    found = (RouterSeen(each, conf, groups.get(each.name, frozenset())) for each in conf.whole.vrrp_instances)
    return tuple(each for each in found if each.vips)


def _interface(word: str) -> IPInterface | None:
    try:
        return ip_interface(word)
    except ValueError:
        return None
