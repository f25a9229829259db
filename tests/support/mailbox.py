"""A mail server: whoever sends a mail here has it written to a folder.

Run as `python -m tests.support.mailbox FOLDER COMMAND...`: runs a command that finds the server by $SMTP_SERVER.
"""

import os
import subprocess
import sys
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Folder:
    """Takes each mail.

    Arguments:
        folder: where to
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self._count += 1
        content = envelope.content
        (self._folder / f"{self._count}.eml").write_bytes(content if isinstance(content, bytes) else b"")
        return "250 taken"


def main() -> int:
    controller = Controller(Folder(Path(sys.argv[1])), hostname="127.0.0.1", port=2525)
    controller.start()
    try:
        environment = os.environ | {"SMTP_SERVER": "127.0.0.1:2525"}
        return subprocess.run(sys.argv[2:], env=environment, check=False).returncode
    finally:
        controller.stop()


if __name__ == "__main__":
    sys.exit(main())
