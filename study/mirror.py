"""A study's trials as Optuna sees them: what dashboards and Optuna's own tools read.

Nothing here decides anything. A trial is created RUNNING with its parameters;
no queue of Optuna's is involved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import TrialState, create_trial

from storage.errors import StudyMissing
from storage.optuna_schema import optuna_translated

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.storages import RDBStorage

    from storage.rows import Claim
    from storage.tables import State

MAX_REASON = 2000
"""Characters of a failure's reason shown here; `trial_run` has all of it."""

_STATES: Mapping[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "retry": TrialState.FAIL,
    "released": TrialState.FAIL,
}


class Mirror:
    """Writes the trials of one Optuna study."""

    def __init__(
        self,
        study: optuna.Study,
        storage: RDBStorage,
        distributions: Mapping[str, BaseDistribution],
    ) -> None:
        """Show trials in `study`.

        Args:
            study: its pruner says which trials go no further.
            storage: where it is kept.
            distributions: of every parameter that a trial of the study may have.
        """
        self._study = study
        self._study_id = storage.get_study_id_from_name(study.study_name)
        self._storage = storage
        self._distributions = distributions

    def create(self, claim: Claim) -> tuple[int, int]:
        """Make the trial of a claim. Returns its id and number."""
        cell = claim.cell
        params = {"arm": cell.arm, **cell.params}
        if cell.repeat:
            params["repeat"] = cell.repeat
        template = create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions={name: self._distributions[name] for name in params},
            user_attrs={"arm": cell.arm, "cell": cell.hash, "run": claim.run_id},
        )
        with self._translated():
            trial_id = self._storage.create_new_trial(self._study_id, template)
            return trial_id, self._storage.get_trial_number_from_id(trial_id)

    def report(self, trial_id: int, epoch: int, value: float) -> bool:
        """Write an epoch's value. False if the trial is to go no further, or has ended."""
        with self._translated():
            try:
                self._storage.set_trial_intermediate_value(trial_id, epoch, value)
            except UpdateFinishedTrialError:
                return False
            return not self._is_pruned(trial_id)

    def show(self, trial_id: int, shown: Mapping[str, object]) -> None:
        """Write user attributes, unless the trial has ended."""
        with self._translated(), suppress(UpdateFinishedTrialError):
            for name, value in shown.items():
                self._storage.set_trial_user_attr(trial_id, name, value)

    def end(self, trial_id: int, state: State, value: float | None) -> None:
        """End a trial, unless it has ended. One that failed has no value."""
        values = None if value is None else [value]
        with self._translated(), suppress(UpdateFinishedTrialError):
            self._storage.set_trial_state_values(trial_id, _STATES[state], values)

    def fail(self, trial_id: int, state: State, cause: str | None, reason: str | None) -> None:
        """End a trial that came to nothing, with the reason."""
        self.show(trial_id, {"cause": cause, "reason": (reason or "")[-MAX_REASON:]})
        self.end(trial_id, state, None)

    def running(self) -> dict[int, int | None]:
        """Trials that have not ended, each with the run it was made for."""
        with self._translated():
            trials = self._storage.get_all_trials(
                self._study_id, deepcopy=False, states=(TrialState.RUNNING,)
            )
        return {trial._trial_id: _run(trial.user_attrs) for trial in trials}

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what Optuna raises about the database into errors meant for the user."""
        try:
            with optuna_translated(self._storage.engine):
                yield
        except KeyError as error:
            raise StudyMissing(f"study {self._study.study_name!r}", ()) from error

    def _is_pruned(self, trial_id: int) -> bool:
        pruner: BasePruner = self._study.pruner
        if isinstance(pruner, NopPruner):
            return False
        return pruner.prune(self._study, self._storage.get_trial(trial_id))


def _run(attributes: Mapping[str, Any]) -> int | None:
    run = attributes.get("run")
    return run if isinstance(run, int) else None
