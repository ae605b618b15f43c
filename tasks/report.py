"""Step `report`: the page about this run. Never cached: it renders text anew round the cached figures.

Neither matplotlib, scikit-learn nor TensorFlow is needed, so that a fully cached run ends in a page all the same.
"""

from collections.abc import Mapping
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from artifacts import codecs
from artifacts.inspection_codecs import read_inspection, read_sheets
from artifacts.rate_codecs import read_rate_picture
from artifacts.refs import EvaluationRef, FiguresRef, InspectionRef, ref_from_json
from artifacts.sealed import write_atomically
from artifacts.store import Store
from tasks.pure.page import Page, html, markdown, verdict


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def report(
    evaluation: EvaluationRef, figures: FiguresRef, inspection: InspectionRef, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Write `report.html` and `report.md` into the run's folder; returns the path `html` and the `verdict`'s sentences.

    Args:
        about: what the page says of the run, see `Page`; `run.id` names the folder, and `data` lacks the `inspection`.
            Beside it `rates`, step → reference of the search for its learning rate.
    """
    store = Store()
    metrics = codecs.read_evaluation(store.folder(evaluation))
    sheets = {f"data_{role}": sheet for role, sheet in read_sheets(store.folder(inspection)).items()}
    pictures = {**codecs.read_figures(store.folder(figures)), **sheets}
    pictures |= {
        f"rate_{step}": read_rate_picture(store.folder(ref_from_json(found)))
        for step, found in about.get("rates", {}).items()
    }
    data = {**about["data"], "inspection": read_inspection(store.folder(inspection))}
    page = Page(metrics=metrics, pictures=pictures, **{**_without_rates(about), "data": data})
    folder = store.runs / str(about["run"]["id"])
    write_atomically(folder / "report.html", html(page).encode(), store.scratch)
    write_atomically(folder / "report.md", markdown(page).encode(), store.scratch)
    return {"html": str(folder / "report.html"), "verdict": verdict(page)}


def _without_rates(about: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in about.items() if name != "rates"}
