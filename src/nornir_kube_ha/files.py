"""Safe access to the controller's own files: bounded reads of regular files, and atomic writes."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

MAX_TEXT = 2**20  # bytes; the files read are passwords, CA certificates and templates


def read_text(path: Path, most: int = MAX_TEXT) -> str:
    """Return the text of a small regular file. Devices and pipes, which may block or never end, are refused.

    Arguments:
        path: the file
        most: bytes that it may have

    Raises:
        ValueError: not a regular file, larger than `most`, or not UTF-8
        OSError: the file cannot be read
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path}: expected a regular file")
        if status.st_size > most:
            raise ValueError(f"{path}: expected at most {most} bytes, got {status.st_size}")
        return file.read(most).decode()


def write_file(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Write a file atomically: readers see the old or the new content, never a part.

    The temporary file has a random name and must not exist yet. Otherwise another user of a shared folder could plant
    a link there. A link at `path` itself is replaced, not followed.

    Arguments:
        path: the file; its folder is created if missing
        content: the whole content
        mode: permission bits, set before the first byte is written; None leaves them to the umask

    Raises:
        OSError: the file cannot be written; the old one is unchanged
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
