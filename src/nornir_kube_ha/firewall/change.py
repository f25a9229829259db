"""What differs between what has to pass a host's firewall and what does."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nornir_kube_ha.firewall.managers import Manager, manager_of, rules_of
from nornir_kube_ha.firewall.model import FirewallChange, FirewallFact, Opening
from nornir_kube_ha.firewall.ruleset import Ruleset, Table, passage


def firewall_change(needed: Iterable[Opening], fact: FirewallFact, ruleset: Ruleset) -> FirewallChange | None:
    """What a host's firewall has to be told; none if nothing, or if there is nobody to tell.

    What passes by rules of others needs none of ours. One of ours that something needs stays, whatever others do.

    Arguments:
        needed: what has to pass
        fact: what manages the firewall, and which rules of it are ours
        ruleset: what is in force
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
    """What is vital and stopped: each with the rule that stops it.

    Arguments:
        needed: what has to pass
        ruleset: what is in force
        fact: what manages the firewall, if that is going to be told: then only what no rule of ours can help
    """
    manager = manager_of(fact) if fact else None
    for opening in (each for each in needed if each.is_vital):
        opened = manager and manager.rules(opening, ruleset, ())
        way = passage(_beyond(manager, ruleset, opening) if manager and opened else ruleset, opening.packet)
        if way.verdict == "drop":
            yield f"{opening.what}: {way.words}"


def _beyond(manager: Manager, ruleset: Ruleset, opening: Opening) -> Ruleset:
    """What a packet meets beside the chains that a manager opens to it."""

    def left(table: Table) -> Table:
        chains = {
            name: chain
            for name, chain in table.chains.items()
            if chain.hook != opening.packet.hook or not manager.governs(table, chain)
        }
        return replace(table, chains=chains)

    return Ruleset(tuple(map(left, ruleset.tables)))
