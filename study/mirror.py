"""A study's trials as Optuna sees them: what dashboards and Optuna's own tools read.

Nothing here decides anything. A trial is created RUNNING with its parameters;
no queue of Optuna's is involved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState, create_trial

from storage.engine import retried
from storage.errors import StudyMissing
from storage.optuna_schema import Shown, add_trial, optuna_translated, show_trials
from storage.url import masked

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.storages import RDBStorage

    from storage.rows import Claim
    from storage.states import State

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
            study: to show them in.
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
            return add_trial(self._storage, self._study_id, template)

    def show(self, shown: Mapping[int, Shown]) -> set[int]:
        """Write what trials show, by trial id. Returns those that have ended: theirs is not."""
        with self._translated():
            return show_trials(self._storage, shown)

    @retried
    def end(self, trial_id: int, state: State, value: float | None) -> None:
        """End a trial, unless it has ended. One that failed has no value."""
        values = None if value is None else [value]
        with self._translated(), suppress(UpdateFinishedTrialError):
            self._storage.set_trial_state_values(trial_id, _STATES[state], values)

    def fail(
        self,
        trial_id: int,
        state: State,
        cause: str | None,
        reason: str | None,
        values: Mapping[int, float] | None = None,
    ) -> None:
        """End a trial that came to nothing, with the reason and the last epochs' values."""
        why = {"cause": cause, "reason": masked(reason or "")[-MAX_REASON:]}
        self.show({trial_id: Shown(values or {}, why)})
        self.end(trial_id, state, None)

    @retried
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


def _run(attributes: Mapping[str, Any]) -> int | None:
    run = attributes.get("run")
    return run if isinstance(run, int) else None
