"""Trials on one cluster: a client at work, every node reporting whether it holds the VIP, one fault at a time."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

from nornir_kube_ha.engine.retry import failing, look_until_passed
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import ClientError, FaultError, KubeHaError
from nornir_kube_ha.failover.api_outage import api_cost
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.outage import Attempt, outage, reused_outage
from nornir_kube_ha.failover.probe.settings import READ, WRITE
from nornir_kube_ha.failover.trial import Outcome, Trial, exceeded, losses
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.tasks.stream import get_spare_session
from nornir_kube_ha.tasks.vip_watch import LEAD, VIPWatch, holding_of, watch_vip
from nornir_kube_ha.trials.client_runner import Client
from nornir_kube_ha.trials.fault_injectors import FaultInjector, Window

STEADY = 0.5  # seconds without a failure before a fault is injected
STEADY_TIMEOUT = 20.0  # seconds to wait for that
TAIL = 1.0  # seconds that the client goes on after recovery
SETTLE_TIMEOUT = 60.0  # seconds until every check must pass after the heal
SETTLE_SLEEP = 0.2
ANSWER_TIMEOUT = 20.0  # seconds for a node to answer; TCP may need some to retry over a healed link


class Measurement:
    """Trials on one cluster, as a context manager.

    Arguments:
        run: logs in, and gathers facts
        cluster: whose VIP it is
        client: not started yet
    """

    def __init__(self, run: Run, cluster: Cluster, client: Client) -> None:
        self.cluster = cluster
        self.watches: dict[str, VIPWatch] = {}
        self._run, self._client = run, client
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the client, and a watch on each node.

        Raises:
            KubeHaError: one of them cannot be started
        """
        with ExitStack() as stack:
            stack.enter_context(self._client)
            stack.callback(self._close_watches)
            for node in self.cluster.nodes:
                self.watch(node.name)
            for host in self.watches:  # the fault needs one more session: find out before, not after
                self._run.one(get_spare_session, host)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """End the watches and the client."""
        self._stack.__exit__(*error)  # type: ignore[arg-type] # as it was called

    def _close_watches(self) -> None:
        for watch in self.watches.values():
            watch.close()

    def watch(self, host: str) -> None:
        """Watch a node. If it was switched off, watch it once more.

        Arguments:
            host: its name
        """
        earlier = self.watches.get(host)
        self.watches[host] = self._run.one(watch_vip, host, intent=self._run.intent, earlier=earlier)

    def lose(self, host: str) -> None:
        """Note that a node was switched off: it holds nothing, its login is gone, and it has forgotten our lease.

        Arguments:
            host: its name
        """
        self.watches[host].gone(time.monotonic())
        self._run.log_in_again(host)
        if self._run.lease:
            self._run.lease.numbers.pop(host, None)

    @property
    def holders(self) -> tuple[str, ...]:
        """Names of the nodes that hold the VIP now."""
        return tuple(name for name, watch in self.watches.items() if watch.ask(timeout=ANSWER_TIMEOUT) and watch.holds)

    def trial(self, limit: Limit, injector: FaultInjector, seconds: float, keep: Callable[[Trial], None]) -> Trial:
        """Inject a fault, measure it, heal it, and wait for recovery.

        Arguments:
            limit: the most that it may cost
            injector: injects it
            seconds: how long it lasts
            keep: called with the trial, even after an interruption

        Returns:
            The trial, with what the fault cost

        Raises:
            ClientError: the client does not work, or gets no answer before anything is broken
        """
        self._client.forget(time.monotonic() - LEAD)
        self._await_steady()
        draft = Trial(
            self.cluster.name,
            injector.target,
            datetime.now(UTC),
            Outcome.INTERRUPTED,
            "healed at once",
            before=", ".join(self.holders),
        )
        try:
            trial = self._judged(limit, self._measured(draft, injector, seconds))
        except (KeyboardInterrupt, SystemExit) as interruption:
            keep(self._interrupted(draft, injector, interruption))
            raise
        keep(trial)
        return trial

    def _await_steady(self) -> None:
        since = time.monotonic()

        def all_of(tries: list[Attempt]) -> list[Attempt]:
            return [*tries, *(each for each in self._client.api_attempts(since) if each.kind in {READ, WRITE})]

        if not self._client.wait_until(lambda tries: is_steady(all_of(tries)), STEADY_TIMEOUT, since=since):
            errors = sorted({each.error for each in all_of(self._client.attempts(since)) if each.failed})
            raise ClientError(
                f"a client of cluster {self.cluster.name} on {self._client.where} does not get all "
                "requests answered before any fault is injected: "
                f"{', '.join(errors) or 'it is too slow'}; --vantage runs the client elsewhere"
            )

    def _measured(self, draft: Trial, injector: FaultInjector, seconds: float) -> Trial:
        asked = time.monotonic()
        try:
            injector.inject()
        except FaultError as error:
            trouble = self._settle()  # a failed injection may have left something behind
            outcome = Outcome.NOT_HEALED if trouble else Outcome.NOT_INJECTED
            return replace(draft, outcome=outcome, words="; then ".join(filter(None, (error.message, trouble))))
        except KubeHaError as error:  # the fault may or may not be in effect
            return replace(draft, outcome=Outcome.NOT_HEALED, words=getattr(error, "message", str(error)))
        time.sleep(max(0.0, asked + seconds - time.monotonic()))
        try:
            window = injector.heal()
        except KubeHaError as error:
            return replace(draft, outcome=Outcome.NOT_HEALED, words=getattr(error, "message", str(error)))
        trouble = self._settle()
        time.sleep(max(0.0, window.heal + TAIL - time.monotonic()))
        try:
            return self._told(draft, window, trouble)
        except ClientError as error:
            words = "; ".join(filter(None, (trouble, str(error))))
            return replace(draft, outcome=Outcome.NOT_HEALED, words=words)

    def _settle(self) -> str:
        """Wait until every check passes. Return why they do not; "" if they do."""
        report = look_until_passed(self._run, timeout=SETTLE_TIMEOUT, sleep=SETTLE_SLEEP)
        return "" if report.passed else failing(report) or "not every check passes"

    def _told(self, draft: Trial, window: Window, trouble: str) -> Trial:
        """Return a trial with what the client and the nodes saw, once the fault is over."""
        zero = window.begun
        self._client.settle()
        through_api = [each.moved(-zero) for each in self._client.api_attempts(zero)]
        lost, missed = self._client.take_losses()
        silent = [name for name, watch in self.watches.items() if not watch.ask(timeout=ANSWER_TIMEOUT)]
        end = time.monotonic()
        attempts = [each.moved(-zero) for each in self._client.attempts(zero - LEAD)]
        heal = window.heal - zero
        made = (window.made or window.begun) - zero
        during, after = split(attempts, heal)
        trial = replace(
            draft,
            outcome=Outcome.PASSED,
            words="",
            new=outage((each for each in during if each.is_new), made=made),
            reused=reused_outage(during, made=made),
            after=outage((each for each in after if each.is_new), made=heal),
            after_reused=reused_outage(after, made=heal),
            made=made,
            heal=heal,
            healed=None if window.healed is None else window.healed - zero,
            holding=holding_of(self.watches.values(), zero, end),
            late=self._client.late(zero),
            api=api_cost([*attempts, *through_api], lost=lost, missed=missed) if self._client.uses_api else None,
            attempts=(*attempts, *through_api),
        )
        trial = replace(trial, holder=", ".join(trial.holding.holders(end - zero - 1e-6)) if trial.holding else "")
        if trouble or silent or (window.healed is None and window.made is not None):
            words = trouble or window.trouble or f"no more reports from {', '.join(silent)}"
            return replace(trial, outcome=Outcome.NOT_HEALED, words=words)
        if window.made is None:
            return replace(trial, outcome=Outcome.NOT_INJECTED, words=window.trouble)
        return trial

    @staticmethod
    def _judged(limit: Limit, trial: Trial) -> Trial:
        if trial.outcome is not Outcome.PASSED:
            return replace(trial, exceeded=losses(trial.api)) if trial.api else trial
        over = exceeded(limit, trial)
        return replace(trial, exceeded=over, outcome=Outcome.MISSED if over else Outcome.PASSED)

    def _interrupted(self, draft: Trial, injector: FaultInjector, interruption: BaseException) -> Trial:
        self._run.tell(f"interrupted: healing {injector.target} at once")
        try:
            injector.heal_now()
        except KubeHaError as error:
            return replace(draft, outcome=Outcome.NOT_HEALED, words=f"{type(interruption).__name__}, then {error}")
        return draft


def split(attempts: list[Attempt], heal: float) -> tuple[list[Attempt], list[Attempt]]:
    """Split attempts into those that show the fault, and those that show its end. What the heal cut off shows the end.

    Arguments:
        attempts: with times that count from the fault
        heal: when healing began
    """
    met = [each for each in attempts if each.end >= 0]

    def tells_of_fault(each: Attempt) -> bool:
        return each.start < heal and not (each.failed and each.end > heal)

    return [each for each in met if tells_of_fault(each)], [each for each in met if not tells_of_fault(each)]


def is_steady(attempts: list[Attempt]) -> bool:
    """Return whether nothing has failed in the last `STEADY` seconds of these attempts.

    Arguments:
        attempts: in any order
    """
    if not attempts:
        return False
    begun = max(each.start for each in attempts) - STEADY
    lately = [each for each in attempts if each.start >= begun]
    return min(each.start for each in attempts) <= begun and not any(each.failed for each in lately)
