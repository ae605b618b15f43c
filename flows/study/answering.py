"""What the studies of a store say of a run: whether transfer helps where it stands, or how to ask.

A study speaks of a run of the same recipe with the same resolved parameters, the seed aside, on the same target data:
the run is then one of its arm `transfer`, made by the study or not. A run of another arm, or with another rate, or on a
file that was replaced since, borrows no verdict.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.runs import RunRecord, set_options
from artifacts.store import Store
from artifacts.studies import Studies, StudyRecord
from artifacts.sweeps import Sweeps
from flows.study.results import target_data

COPY_WEIGHTS = "clone_with_weights.copy_weights"
PAGE = "page.html"
UNDECIDED = "undecided"


@dataclass(frozen=True)
class Answer:
    """What a finished study says.

    Attributes:
        study: its id.
        verdict: `helps`, `hurts`, `no difference` or `undecided`.
        sentence: the verdict in one sentence.
        page: where its page lies, or None where it is gone.
    """

    study: str
    verdict: str
    sentence: str
    page: Path | None

    @property
    def said(self) -> str:
        """The sentence with its source, for a line of text."""
        return f"Study {self.study}: {self.sentence}"


def answer(store: Store, record: RunRecord) -> Answer | None:
    """What the newest finished study of the run's recipe says that came to a verdict, else the newest finished one.

    None where nobody has asked, or none is finished. A study without a control answers another question.

    A study that cannot be read, or says something else than a study says, is passed over: it costs no run its report.
    """
    studies = Studies(store)
    data = target_data(store, record)
    found = (
        _answer(studies, study)
        for study in reversed(studies.all())
        if _speaks_of(study, record) and _on_the_same(study, data)
    )
    known = [each for each in found if each is not None]
    return next((each for each in known if each.verdict != UNDECIDED), known[0] if known else None)


def told(store: Store, record: RunRecord) -> dict[str, Any]:
    """What a report is told of studies: `answer` (None, or `study`, `verdict`, `sentence`, `page` as seen from the
    run's folder, or None), `trial_of` (the study or sweep that made the run, or "") and the `command` that asks."""
    found = answer(store, record)
    page = f"../../studies/{found.study}/{PAGE}" if found and found.page else None
    said = {"study": found.study, "verdict": found.verdict, "sentence": found.sentence, "page": page} if found else None
    return {"answer": said, "trial_of": trial_of(store, record), "command": command(record)}


def trial_of(store: Store, record: RunRecord) -> str:
    """Whose trial a run is: "study 3f2a…", "sweep 3f2a…", or "" if nobody's."""
    if not record.study:
        return ""
    kinds = (room.KIND for room in (Studies(store), Sweeps(store)) if room.folder(record.study).is_dir())
    return f"{next(kinds, Studies.KIND)} {record.study}"


def command(record: RunRecord) -> str:
    """The `graft study` that asks whether transfer helps where the run stands; ready for a shell."""
    settings = {name: value for name, value in record.overrides.items() if name not in ("seed", COPY_WEIGHTS)}
    if not record.resolved["clone_with_weights"]["copy_weights"]:  # the question is about a base that is copied
        settings[COPY_WEIGHTS] = True
    return shlex.join(["graft", "study", record.recipe, *set_options(settings)])


def _speaks_of(study: StudyRecord, record: RunRecord) -> bool:
    resolved = study.plan.get("resolved")
    if study.plan.get("recipe") != record.recipe or not isinstance(resolved, Mapping):
        return False
    return _but_the_seed(resolved) == _but_the_seed(record.resolved)


def _on_the_same(study: StudyRecord, data: Mapping[str, str] | None) -> bool:
    """Whether the study's target data are those of the run, as far as both are known."""
    theirs = study.outcome.get("target_data")
    return data is None or not isinstance(theirs, Mapping) or dict(theirs) == dict(data)


def _but_the_seed(resolved: Mapping[str, Any]) -> str:
    """As text: a plan has been through JSON, the record of a run under way has not."""
    return json.dumps({name: value for name, value in resolved.items() if name != "seed"}, sort_keys=True)


def _answer(studies: Studies, study: StudyRecord) -> Answer | None:
    verdict, sentence = study.outcome.get("verdict"), study.outcome.get("sentence")
    finished = study.outcome.get("done") is True and study.outcome.get("controlled") is True
    if not finished or not isinstance(verdict, str) or not isinstance(sentence, str):
        return None
    page = studies.folder(study.id) / PAGE
    return Answer(study.id, verdict, sentence, page if page.is_file() else None)
