"""The difference between what a host's firewall must pass and what it passes."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nornir_kube_ha.firewall.managers import Manager, manager_of, rules_of
from nornir_kube_ha.firewall.model import FirewallChange, FirewallFact, Opening
from nornir_kube_ha.firewall.ruleset import Ruleset, Table, passage


def firewall_change(needed: Iterable[Opening], fact: FirewallFact, ruleset: Ruleset) -> FirewallChange | None:
    """Return the rules to add and remove; None if there are none, or if no firewall manager can take them.

    A packet that other rules accept needs no rule of kube-ha's. A rule of kube-ha's that is still needed always stays.

    Arguments:
        needed: packets that must pass
        fact: the firewall manager, and our rules in it
        ruleset: the rules in force
    """
    manager = manager_of(fact)
    if manager is None:
        return None
    live = fact.live | (rules_of(ruleset) if fact.manager == "nftables" else frozenset())
    ours = live | fact.kept
    wanted = tuple(dict.fromkeys(rule for opening in needed for rule in _rules(opening, manager, ruleset, ours)))
    opened = tuple(rule for rule in wanted if not (rule in live and rule in fact.kept))
    closed = tuple(sorted(ours - {*wanted}))
    return FirewallChange(fact.manager, fact.place, wanted, opened, closed) if opened or closed else None


def _rules(opening: Opening, manager: Manager, ruleset: Ruleset, ours: frozenset[str]) -> Iterator[str]:
    passes = passage(ruleset, opening.packet).verdict == "accept"
    return (rule for rule in manager.rules(opening, ruleset, ours) if rule in ours or not passes)


def stopped(needed: Iterable[Opening], ruleset: Ruleset, fact: FirewallFact | None = None) -> Iterator[str]:
    """Yield the vital openings that the firewall blocks, each with the rule that blocks it.

    Arguments:
        needed: packets that must pass
        ruleset: the rules in force
        fact: the firewall manager, if its rules will be changed. Then only blocks that kube-ha's rules cannot lift are
            yielded
    """
    manager = manager_of(fact) if fact else None
    for opening in (each for each in needed if each.is_vital):
        opened = manager and manager.rules(opening, ruleset, ())
        way = passage(_beyond(manager, ruleset, opening) if manager and opened else ruleset, opening.packet)
        if way.verdict == "drop":
            yield f"{opening.what}: {way.words}"


def _beyond(manager: Manager, ruleset: Ruleset, opening: Opening) -> Ruleset:
    """Return the ruleset without the chains in which the manager would let the packet pass."""

    def left(table: Table) -> Table:
        chains = {
            name: chain
            for name, chain in table.chains.items()
            if chain.hook != opening.packet.hook or not manager.governs(table, chain)
        }
        return replace(table, chains=chains)

    return Ruleset(tuple(map(left, ruleset.tables)))
