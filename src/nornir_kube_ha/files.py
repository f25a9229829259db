"""Files of this machine: written whole or not at all, read if they are files, and small."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

MAX_TEXT = 2**20  # bytes; a password, or the certificates of a CA


def read_text(path: Path) -> str:
    """A small file's text. What never ends, or waits for somebody, is none.

    Arguments:
        path: of the file

    Raises:
        ValueError: it is no regular file, too large, or no UTF-8
        OSError: it cannot be read
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is no regular file")
        if status.st_size > MAX_TEXT:
            raise ValueError(f"{path} has {status.st_size} bytes; more than {MAX_TEXT} are too many")
        return file.read(MAX_TEXT).decode()


def write_file(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Write a file whole or not at all: whoever reads it never sees half, and nobody whom `mode` keeps out sees it.

    The draft has a name that nobody can foresee, and is never one that is there: in a folder of several users, another
    one may have laid a link in its place. A link at `path` itself is replaced, not followed.

    Arguments:
        path: of the file; its folder is made if it is not there
        content: all of it
        mode: its permission bits, from before the first byte; those that the user's umask leaves if none

    Raises:
        OSError: it cannot be written; then it is as it was
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
