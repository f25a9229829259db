"""Measure over minutes or hours, on labs, and write the figures to docs: `python -m campaigns NAME --help`."""

import argparse
import importlib
import shlex
import sys
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m campaigns", description=__doc__)
    commands = parser.add_subparsers(metavar="NAME", required=True)
    for name in NAMES:
        campaign = importlib.import_module(f"campaigns.{name}")
        about = str(campaign.__doc__)
        own = commands.add_parser(
            name.replace("_", "-"),
            help=about.partition(". ")[0].splitlines()[0].rstrip("."),
            description=about,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        campaign.add_options(own)
        own.set_defaults(run=campaign.run, command=f"python -m campaigns {shlex.join(sys.argv[1:])}")
    options = parser.parse_args()
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
