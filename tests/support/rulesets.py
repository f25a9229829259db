"""Rulesets as nft itself printed them: `tests/unit/data/nft/record.sh` says how."""

from rig.samples import DATA

RULESETS = DATA / "nft"


def recorded_ruleset(name: str) -> str:
    return (RULESETS / f"{name}.json").read_text()
