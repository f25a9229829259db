"""Record the README's terminal pictures: `python -m docs.terminal`, on a lab that is up, with bare hosts.

Each command runs in a pseudo terminal; what it printed becomes docs/assets/NAME.svg. With `--recording FILE`, a saved
recording is rendered instead, such as one of `script --quiet --command 'kube-ha deploy' FILE`.
"""

import argparse
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.containers import Lines
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "docs" / "assets"
COMMANDS = {
    "deploy": ("kube-ha", "deploy"),
    "failover-test": ("kube-ha", "failover-test", "--fault", "haproxy-kill", "--yes"),
}
"""What each picture shows, in the order in which a bare lab can run it."""
COLUMNS, ROWS = 100, 50
FIRST, LAST = 18, 16  # lines that are shown of a longer output
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, "DejaVu Sans Mono", Menlo, monospace }}
.{unique_id}-title {{ font: bold 18px sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own template names fonts on a server; this one takes the reader's."""


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m docs.terminal", description="Record the README's pictures.")
    parser.add_argument("names", metavar="NAME", nargs="*", default=[*COMMANDS], help=f"{', '.join(COMMANDS)}: all")
    parser.add_argument("-i", "--inventory", help="inventory of the lab; the demo's if left out")
    parser.add_argument("--recording", type=Path, help="render this file instead of running the command")
    options = parser.parse_args(arguments)
    for name in options.names:
        command = COMMANDS[name]
        more = ("-i", options.inventory) if options.inventory else ()
        printed = options.recording.read_text(encoding="utf-8") if options.recording else record([*command, *more])
        (ASSETS / f"{name}.svg").write_text(render(" ".join(command), printed), encoding="utf-8")
        sys.stderr.write(f"wrote {name}.svg\n")
    return 0


def record(command: Sequence[str]) -> str:
    """Return what a command prints on a terminal of `COLUMNS` columns; end if it fails."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        printed = b"".join(iter(lambda: _read(ours), b"")).decode().replace(str(ROOT), ".")
    os.close(ours)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{printed}")
    return printed


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux answers EIO once nothing has the terminal open
        return b""


def render(command: str, printed: str) -> str:
    """Return a picture of a terminal: a prompt with the command, and what it printed.

    Arguments:
        command: shown at the prompt
        printed: text with ANSI escape sequences for colours
    """
    lines = re.sub(r"^Script (started|done) on .*\n?", "", printed.replace("\r\n", "\n"), flags=re.MULTILINE)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi(f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m"))
    console.print(Text("\n").join(_shortened(Text.from_ansi(lines.rstrip()).split("\n", allow_blank=True))))
    svg = console.export_svg(title="", theme=MONOKAI, code_format=SVG, unique_id="terminal")
    svg = re.sub(r"<text [^>]*>\n</text>", "\n", svg)  # rich draws line ends, too, outside of what can be seen
    return "".join(f"{line.strip()}\n" for line in svg.splitlines() if line.strip())


def _shortened(lines: Lines) -> list[Text]:
    if (left_out := len(lines) - FIRST - LAST) <= 0:
        return [*lines]
    return [*lines[:FIRST], Text(f"... {left_out} more lines ...", style="dim"), *lines[-LAST:]]


if __name__ == "__main__":
    sys.exit(main())
