"""A snapshot's text, and back. A file may be cut off, of another version, or made to do harm."""

import json

from pydantic import ValidationError

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.snapshots.model import FORMAT, VERSION, Production
from nornir_kube_ha.text import one_line, shortened

LONGEST_PLACE, LONGEST_REASON = 120, 200  # characters


def to_text(production: Production) -> str:
    """Return a snapshot as JSON text."""
    tree = production.model_dump(mode="json")
    return f"{json.dumps(tree, indent=1, ensure_ascii=False)}\n"


def parse_snapshot(text: str, name: str) -> Production:
    """Return the snapshot that a file's text is.

    Arguments:
        text: the whole file
        name: of the file, for errors

    Raises:
        UsageError: it is not a snapshot, of another version, or not as its version requires
    """
    try:
        found = Production.model_validate_json(text)
    except ValidationError as error:
        raise UsageError(f"{name}: {_words(error)}. Take a new one with `kube-ha snapshot`") from None
    if strangers := sorted(({*found.hosts} | {*found.not_seen}) ^ {*found.inventory}):
        raise UsageError(f"{name}: expected each host of its inventory once, seen or not seen; wrong: {strangers[0]}")
    return found


def _words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place, reason = ".".join(map(str, first["loc"])), shortened(one_line(first["msg"]), LONGEST_REASON)
    if place == "format":
        return f"expected a file that `kube-ha snapshot` wrote ({FORMAT!r})"
    if place == "version":
        return f"expected version {VERSION} of the snapshot's format, the only one that this release reads"
    if not place:
        return f"expected the whole JSON text of a snapshot: {reason}"
    return f"expected a valid snapshot: {shortened(one_line(place), LONGEST_PLACE)}: {reason}"
