"""The settings of one host, as its files say them, in the words of the inventory."""

from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from nornir_kube_ha.adoption.note import Kind, Note, Place
from nornir_kube_ha.adoption.running import Running
from nornir_kube_ha.intent import Node


@dataclass(frozen=True, slots=True)
class Said:
    """A value, and where it was found.

    Arguments:
        value: as the inventory has it
        place: None if no file says it
        words: for the comment, instead of the place
        host: name of the host; "" is the one whose draft it is in
    """

    value: Any
    place: Place | None = None
    words: str = ""
    host: str = ""

    @property
    def where(self) -> str:
        """Where it was found, for a comment; "" if unknown."""
        return self.words or (str(self.place) if self.place else "")


@dataclass(slots=True)
class Draft:
    """What one host's files say, as far as the inventory can say it.

    Arguments:
        running: what runs on the host
        settings: by dotted key of the inventory
        secrets: the same, of passwords
        notes: what a deploy would end or change
    """

    running: Running
    settings: dict[str, Said] = field(default_factory=dict)
    secrets: dict[str, SecretStr] = field(default_factory=dict, repr=False)
    notes: list[Note] = field(default_factory=list)

    def say(self, key: str, value: object, place: Place | None, words: str = "") -> bool:
        """Set a key, and return whether the inventory takes the value. If it does not, note that.

        Arguments:
            key: dotted key of the inventory
            value: as the file has it
            place: where it was found
            words: for the comment, instead of the place
        """
        if wrong := refusal(key, value):
            self.change(f"{key} {value}", f"the inventory does not take it ({wrong}); its own default is used", place)
            return False
        self.settings[key] = Said(value, place, words)
        return True

    def end(self, what: str, effect: str, place: Place | None = None) -> None:
        """Note a thing that ends."""
        self.notes.append(Note(Kind.ENDS, what, effect, place))

    def change(self, what: str, effect: str, place: Place | None = None) -> None:
        """Note a thing that changes."""
        self.notes.append(Note(Kind.CHANGES, what, effect, place))

    def to_do(self, what: str, effect: str, place: Place | None = None) -> None:
        """Note a thing that the operator has to settle."""
        self.notes.append(Note(Kind.TO_DO, what, effect, place))

    def value(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as the key has it
        """Return the value of a key."""
        said = self.settings.get(key)
        return said.value if said else default


def refusal(key: str, value: object) -> str:
    """Return why the inventory refuses a value, "" if it takes it.

    Arguments:
        key: dotted key, `haproxy.timeouts.client`
        value: as a file has it
    """
    try:
        _adapter(key).validate_python(value)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    model: type[BaseModel] = Node
    *sections, name = key.split(".")
    for section in sections:
        kind = model.model_fields[section].annotation
        model = next(each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, BaseModel))
    found = model.model_fields[name]
    own: Any = found.annotation
    return TypeAdapter(Annotated[(own, *found.metadata)] if found.metadata else own)
