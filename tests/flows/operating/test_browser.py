"""Prefect's UI in a real browser: Debian's Chromium, driven by Playwright. Both UIs, the old one and the new."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from flows import recipe_files
from tests.flows.operating.station import Station, until

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = "img[src^='data:image/png;base64,']"
LOADED = f"""least => {{
    const all = Array.from(document.querySelectorAll("{PICTURES}"));
    return all.length >= least && all.every(each => each.complete && each.naturalWidth > 0 && each.naturalHeight > 0);
}}"""
TRIES = 5
MADE_SECONDS = 60
UIS = {"old": "", "new": "/v2"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def run(station: Station) -> str:
    """Id of a completed run of a deployment."""
    done = station.run("transfer-learning/on-demand", recipe=station.recipe, overrides={"target.gate": 0.2})
    assert done.state_name == "Completed", done.state
    return str(done.id)


def deployment(station: Station, name: str = "transfer-learning/on-demand") -> str:
    return str(station.ask(lambda client: client.read_deployment_by_name(name).id))


def unfold(page: Any, shown: str) -> None:
    """Open the dropdown that shows this text; the old UI's listens to the keyboard alone."""
    page.get_by_text(shown, exact=True).first.click()
    page.wait_for_timeout(300)
    if "/v2/" not in page.url:
        page.keyboard.press("ArrowDown")


def choose(page: Any, shown: str, option: str) -> None:
    """Choose `option` in the dropdown that shows this text, until it no longer does.

    On a loaded machine the list may be drawn again between finding the option and the click, which then hits nothing.
    """
    for _ in range(TRIES):
        unfold(page, shown)
        page.get_by_text(option, exact=True).last.click()
        page.keyboard.press("Escape")
        page.wait_for_timeout(1_000)
        if page.get_by_text(shown, exact=True).count() == 0:
            return
    raise AssertionError(f"after {TRIES} tries {option!r} is not chosen where the form shows {shown!r}")


def artifact(station: Station, run: str, key: str) -> str:
    return next(str(each.id) for each in station.on_page(run) if each.key == key)


@pytest.mark.parametrize("ui", UIS)
def test_the_runs_page_shows_the_steps_and_what_came_out(station: Station, page: Any, run: str, ui: str) -> None:
    page.goto(f"{station.url}{UIS[ui]}/runs/flow-run/{run}")
    page.get_by_text("tiny · seed 0").first.wait_for()
    page.get_by_text("recipe: tiny", exact=True).first.wait_for()
    page.get_by_text("Artifacts", exact=True).first.click()
    for name in ("report-tiny", "metrics-tiny", "lineage-tiny", "runs-of-transfer-learning-on-demand"):
        page.get_by_text(name, exact=True).first.wait_for()
    page.get_by_text("Task Runs", exact=True).first.click()
    page.get_by_text("clone_with_weights", exact=True).first.wait_for()


@pytest.mark.parametrize("ui", UIS)
def test_the_reports_pictures_are_loaded_and_have_a_size(station: Station, page: Any, run: str, ui: str) -> None:
    page.goto(f"{station.url}{UIS[ui]}/artifacts/artifact/{artifact(station, run, 'report-tiny')}")
    page.wait_for_function(LOADED, arg=3)  # curves, confusion matrix, mistakes or reliability
    page.get_by_role("heading", name="Verdict").wait_for()


def test_the_comparison_of_the_runs_has_its_picture(station: Station, page: Any, run: str) -> None:
    name = "runs-of-transfer-learning-on-demand"
    page.goto(f"{station.url}/artifacts/artifact/{artifact(station, run, name)}")
    page.wait_for_function(LOADED, arg=1)


@pytest.mark.parametrize("ui", UIS)
def test_the_form_offers_recipes_and_steps_by_name(station: Station, page: Any, ui: str) -> None:
    page.goto(f"{station.url}{UIS[ui]}/deployments/deployment/{deployment(station)}/run")
    page.get_by_text("Shipped recipe", exact=True).first.wait_for()
    unfold(page, "quickstart")
    for name in recipe_files.names():
        page.get_by_text(name, exact=True).last.wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Step", exact=True).first.click()
    page.get_by_text("Not set", exact=True).first.wait_for()


@pytest.mark.slow
def test_a_run_is_made_from_the_form(station: Station, page: Any) -> None:
    page.goto(f"{station.url}/deployments/deployment/{deployment(station)}/run")
    page.get_by_role("button", name="Path of a YAML file").click()
    box = page.locator(".schema-form-property", has_text="recipe").first.locator("input, textarea").last
    box.fill(station.recipe)
    page.get_by_role("button", name="Submit").click()

    def made() -> Any:
        found = station.ask(lambda client: client.read_flow_runs(limit=20))
        return next((each for each in found if each.parameters == asked), None)

    asked = {"recipe": station.recipe, "overrides": {}, "force": [], "start_from": None, "only": None}
    run = until(made, MADE_SECONDS, "the run with just these parameters")
    assert station.ended(str(run.id)).state_name == "Completed"


@pytest.mark.slow
def test_copy_to_new_run_keeps_the_parameters_to_be_changed(station: Station, page: Any, run: str) -> None:
    page.goto(f"{station.url}/runs/flow-run/{run}")
    page.get_by_text("tiny · seed 0").first.wait_for()
    page.locator("button.p-icon-button-menu, [class*=icon-button-menu] button, header button").last.click()
    page.get_by_text("Copy to new run", exact=True).first.click()
    page.get_by_text("Shipped recipe", exact=True).first.wait_for()
    page.get_by_text("target.gate").first.wait_for()
    choose(page, "No items selected", "train_head")
    page.get_by_role("button", name="Submit").click()

    def made() -> Any:
        found = station.ask(lambda client: client.read_flow_runs(limit=20))
        return next((each for each in found if each.parameters.get("force") == ["train_head"]), None)

    again = station.ended(str(until(made, MADE_SECONDS, "the run that forces train_head").id))
    assert again.state_name == "Completed"
    record = station.record(str(again.id))
    ran = [entry["step"] for entry in record.steps if entry["status"] == "ran"]
    assert ran == ["train_head", "report"]  # the same bits: nothing after it runs


@pytest.mark.slow
def test_the_retry_button_goes_on_at_the_failed_step(station: Station, page: Any) -> None:
    """The data of the target are not there, then they are."""
    missing = station.folder / "later.npz"
    overrides = {"target.path": str(missing), "target.gate": 0.2}
    failed = station.run("transfer-learning/on-demand", recipe=station.recipe, overrides=overrides)
    assert failed.state_name == "Failed"
    missing.write_bytes((station.folder / "tiny.npz").read_bytes())
    page.goto(f"{station.url}/runs/flow-run/{failed.id}")
    page.get_by_role("button", name="Retry").first.click()
    page.get_by_role("button", name="Retry").last.click()  # "do you want to retry?"

    def again() -> bool:
        found = station.flow_run(str(failed.id))
        return found.run_count == 2 and found.state_name == "Completed"

    until(again, 120, "the retried run completes")
    assert station.record(str(failed.id)).attempt == 2
