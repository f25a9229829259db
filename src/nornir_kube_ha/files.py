"""Files of this machine, each there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


def write_file(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all: whoever reads it never sees half, and nobody whom `mode` keeps out sees it.

    Arguments:
        path: of the file; its folder is made if it is not there
        content: all of it
        mode: its permission bits, from before the first byte

    Raises:
        OSError: it cannot be written; then it is as it was
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
