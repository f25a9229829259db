"""A template that the inventory supplies."""

from pydantic import Field, field_validator

from nornir_kube_ha.intent.fields import Settings
from nornir_kube_ha.templating import NAMES, syntax_error


class Template(Settings):
    """A template that replaces one of kube-ha's."""

    name: str
    """Name of the kube-ha template that it replaces."""
    text: str = Field(repr=False)
    """Jinja source."""

    @field_validator("name")
    @classmethod
    def _is_one_of_ours(cls, name: str) -> str:
        if name not in NAMES:
            raise ValueError(f"is not one of {', '.join(NAMES)}")
        return name

    @field_validator("text")
    @classmethod
    def _is_a_template(cls, text: str) -> str:
        if wrong := syntax_error(text):
            raise ValueError(f"is not a valid template: {wrong}")
        return text
