"""Truncated copies of rendered files, staged by the script that runs on hosts."""

import base64
import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from nornir_kube_ha.ssh.script import assignments, load_script
from rig.lab import ROOT

GOLDEN = ROOT / "tests" / "config" / "golden"
RENDERED = GOLDEN / "ours" / "lb-1" / "haproxy-2.6.12-keepalived-2.2.7" / "etc"
FILES = sorted(path for path in RENDERED.rglob("*") if path.is_file())


class Host:
    """A folder with a live file, as on a host.

    Arguments:
        folder: empty
    """

    def __init__(self, folder: Path) -> None:
        self.live = folder / "etc" / "file"
        self.live.parent.mkdir()
        self.live.write_text("live\n")

    @property
    def others(self) -> list[Path]:
        """All files beside the live file."""
        return [path for path in self.live.parent.iterdir() if path != self.live]

    def takes(self, whole: bytes, lengths: Sequence[int], *, sent: bytes = b"") -> list[int]:
        """Stage a file once for each length, truncated to it. Accepted drafts are discarded at once.

        Arguments:
            whole: the file's content
            lengths: how many bytes arrive
            sent: what arrives, if it differs from `whole`

        Returns:
            The lengths that staging accepted
        """
        variables = assignments(nonce="0123", managed=str(self.live), write=str(self.live), remove="")
        calls = "".join(self._call(whole, (sent or whole)[:length]) for length in lengths)
        script = variables + load_script("draft.sh") + load_script("stage.sh") + calls + "exit 0\n"
        done = subprocess.run(["sh", "-us"], input=script, capture_output=True, text=True, check=True)
        return [int(length) for length in re.findall(r"^taken (\d+)$", done.stdout, re.MULTILINE)]

    def _call(self, whole: bytes, arrived: bytes) -> str:
        content, sha256 = base64.b64encode(arrived).decode(), hashlib.sha256(whole).hexdigest()
        owner = f"{self.live.parent.owner()} {self.live.parent.group()}"  # root's, where it is root who runs this
        stage = f"stage {self.live} 0644 {owner} {sha256} <<END && echo taken {len(arrived)}\n{content}\nEND\n"
        return f"({stage}discard {self.live})\n"
