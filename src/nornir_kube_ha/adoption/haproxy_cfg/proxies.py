"""The sections of all haproxy.cfg files that a host loads, each with the `defaults` that apply to it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nornir_kube_ha.adoption.note import Place
from nornir_kube_ha.adoption.running import SourceFile
from nornir_kube_ha.daemons import HAProxySection, parse_haproxy_cfg
from nornir_kube_ha.daemons.text import text_of


@dataclass(frozen=True, slots=True)
class Located:
    """A line of a haproxy.cfg.

    Arguments:
        words: keyword and arguments, without quotes and comment
        place: where it stands
        raw: as it stands there, blanks instead of tabs
    """

    words: tuple[str, ...] = field(repr=False)
    place: Place
    raw: str = field(repr=False)

    def word(self, number: int) -> str:
        """Return a word, "" if the line is shorter."""
        return "".join(self.words[number : number + 1])


@dataclass(frozen=True, slots=True)
class Proxy:
    """A section of a haproxy.cfg.

    Arguments:
        section: as it was read
        place: of its first line
        own: its lines, without the first
        inherited: lines of the `defaults` section that applies to it
    """

    section: HAProxySection
    place: Place
    own: tuple[Located, ...]
    inherited: tuple[Located, ...] = ()

    @property
    def kind(self) -> str:
        """Kind of section."""
        return self.section.kind

    @property
    def name(self) -> str:
        """Name of the section."""
        return self.section.name

    def each(self, *keywords: str) -> Iterator[Located]:
        """Yield its own lines that begin with the keywords."""
        return (line for line in self.own if line.words[: len(keywords)] == keywords)

    def last(self, *keywords: str) -> Located | None:
        """Return the last line that begins with the keywords, its own or else that of its `defaults`; None without."""
        found = [line for line in (*self.inherited, *self.own) if line.words[: len(keywords)] == keywords]
        return found[-1] if found else None

    def has_option(self, name: str) -> bool:
        """Return whether an option is on, by its own lines or else by its `defaults`."""
        lines = [line.words for line in (*self.inherited, *self.own)]
        said = [words[0] for words in lines if words[:2] == ("option", name) or words[:3] == ("no", "option", name)]
        return said[-1:] == ["option"]

    @property
    def mode(self) -> str:
        """`tcp` or `http`; haproxy's own default is `tcp`."""
        line = self.last("mode")
        return line.word(1) if line else "tcp"

    def __str__(self) -> str:
        """Return the section in words: `frontend web (*:80)`."""
        return str(self.section)


def read_proxies(files: Iterable[SourceFile]) -> tuple[Proxy, ...]:
    """Return the sections of files, in the order in which haproxy reads them.

    Arguments:
        files: in that order, too: the last `defaults` section applies to all sections after it, also of other files
    """
    found: list[Proxy] = []
    named: dict[str, tuple[Located, ...]] = {}
    last: tuple[Located, ...] = ()
    for file in files:
        raw = text_of(file.content).split("\n")
        for section in parse_haproxy_cfg(file.content).sections:
            lines = tuple(
                Located(each.words, Place(file.path, each.number), raw[each.number - 1].strip().replace("\t", " "))
                for each in section.lines
            )
            head, *own = lines
            base = named.get(head.word(3), last) if head.word(2) == "from" else last
            if section.kind == "defaults":
                inherited = base if head.word(2) == "from" else ()
                last = named[section.name] = (*inherited, *own)
            found.append(Proxy(section, head.place, tuple(own), () if section.kind == "defaults" else base))
    return tuple(found)
