"""The report as the note that optuna-dashboard shows with a study."""

from __future__ import annotations

import optuna
from optuna_dashboard import get_note, save_note

from storage.optuna_schema import open_optuna, optuna_translated
from study.database import existing
from study.report import markdown
from study.report.summary import read


def refresh_note(url: str, study_name: str) -> bool:
    """Put the current table into the study's note; False if it was there already.

    Importing this module loads scikit-learn through optuna-dashboard, two
    seconds and 150 MB: once a run, when its trials are done.

    Raises:
        StorageError: no such database or study.
    """
    with existing(url) as engine:
        body = markdown.render(read(engine, study_name))
    storage = open_optuna(url)
    with optuna_translated(storage.engine):
        study = optuna.load_study(study_name=study_name, storage=storage)
        if get_note(study) == body:
            return False
        save_note(study, body)
    return True
