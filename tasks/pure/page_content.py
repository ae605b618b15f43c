"""What a report says, as plain strings: made once, so that HTML and Markdown say the same. Nothing here is escaped."""

from dataclasses import dataclass, field
from typing import Any

NOT_COPIED = "random base: the weights were NOT copied"
UNKNOWN, NOT_TESTED = "—", "not tested"
TRAININGS = ("pretrain", "train_head", "fine_tune")
NO_FILES = "no file: it comes with the libraries"


@dataclass(frozen=True)
class Page:
    """All that a report is made of, as plain values; each may be empty, and the page then says so.

    Args:
        title: such as "fashion-mnist-dense · seed 0".
        run: `id`, `name`, `recipe`, `started` (ISO text), `seconds`, and perhaps `store`.
        metrics: what `metrics.evaluate` returned ({}: not evaluated), and `after_head` (`accuracy`, `accuracy_low`,
            `accuracy_high`, or None), `base` (the same with `majority`, `class_names`, `num_test`: the source task's
            own test, or None), `batch_norm` (what `batch_norm_diagnosis` returned, or None).
        steps: one dictionary a step: `step`, `status`, `seconds`, `reason`, `key`, `artifact`, `inputs`, `outputs` and
            `files` (name to digest).
        recipe_yaml: the recipe with every default filled in.
        copy_weights: False is said wherever the base is named.
        facts: `source` (None: there is none), `target`, `num_train`, `num_validation`, `num_test`, `reused_layers`,
            `trainable`, `base`, `taken_in` (what `page_base.base_rows` takes, or None),
            `augmented` (step to what was done to its pictures, in words), `tuned` (what fine-tuning chose on the
            validation part, label to words).
        controls: `this` and `other` (lists of `seed`, `accuracy`, `run`), `this_name`, `other_name`.
        pictures: PNG bytes by name: `learning_curves`, `confusion`, `mistakes`, `reliability`, `shown`, the contact
            sheets `data_source` and `data_target`, and `rate_…` of each training that looked for its rate.
        data: what was found in the data, see `page_data.data_sets`.
        study: `answer` (what the newest finished study of this recipe says: `study` (id), `verdict`, `sentence`, `page`
            (relative path, or None); or None), `trial_of` (the study or sweep that made this run, or ""), `command`
            (that asks).
    """

    title: str
    run: dict[str, Any]
    metrics: dict[str, Any]
    steps: list[dict[str, Any]]
    recipe_yaml: str
    copy_weights: bool
    facts: dict[str, Any]
    controls: dict[str, Any]
    pictures: dict[str, bytes]
    data: dict[str, Any] = field(default_factory=dict)
    study: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tile:
    """A key number: what it is, its value, and what to hold against it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Made:
    """One artifact: its label (`step.output`), its digest, and the (name, label, digest) of what it was made from:
    artifacts by the label that they have here, data files by their names."""

    label: str
    digest: str
    sources: list[tuple[str, str, str]]


def percent(share: float | None) -> str:
    """0.9105 → "91.0 %" (no-break space); 100.0 is only said of what is exactly all."""
    if share is None:
        return UNKNOWN
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = f"{min(100 * share, 99.99):.2f}"
    return f"{text}\u00a0%"


def points(difference: float) -> str:
    """0.031 → "3.1 points", without sign."""
    return f"{100 * abs(difference):.1f}\u00a0points"


def seeds_told(count: int) -> str:
    """ "1 seed", "2 seeds"."""
    return f"{count} seed" if count == 1 else f"{count} seeds"


def number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def interval(entry: dict[str, Any]) -> str:
    """ "87.0–94.5 %", or nothing where no interval is known."""
    low, high = entry.get("accuracy_low"), entry.get("accuracy_high")
    if low is None or high is None:
        return ""
    return f"{percent(low).removesuffix(chr(160) + '%')}–{percent(high)}"


def duration(seconds: float | None) -> str:
    """0.04 → "0.04 s", 75 → "1 min 15 s"."""
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.2f}\u00a0s" if seconds < 1 else f"{seconds:.1f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}\u00a0min {rest}\u00a0s"


def short(digest: str | None) -> str:
    """ "sha256:0123456789abcdef…" → "0123456789"."""
    return digest.rpartition(":")[2][:10] if digest else UNKNOWN


def run_line(page: Page) -> str:
    """Recipe, name, start and duration of the run, as far as they are known, in one line."""
    known = [page.run.get("recipe"), page.run.get("name"), page.run.get("started")]
    took = [duration(page.run["seconds"])] if page.run.get("seconds") is not None else []
    return " · ".join([*(str(value) for value in known if value), *took])


def tiles(page: Page) -> list[Tile]:
    """The four numbers on top: where it ended, what a constant answer reaches, after the head, and the base's own."""
    metrics = page.metrics
    if metrics.get("accuracy") is None:
        return []
    majority = metrics.get("majority") or {}
    coverage = f"{100 * metrics.get('confidence', 0.95):.0f}\u00a0% interval "
    found = [
        Tile("Accuracy", percent(metrics["accuracy"]), coverage + interval(metrics)),
        Tile("Constant answer", percent(majority.get("accuracy")), f"always “{majority.get('class', UNKNOWN)}”"),
    ]
    if head := metrics.get("after_head"):
        found.append(Tile("After the head", percent(head["accuracy"]), f"interval {interval(head)}"))
    if base := metrics.get("base"):
        found.append(_base_tile(page, base))
    return found


def _base_tile(page: Page, base: dict[str, Any]) -> Tile:
    constant = percent((base.get("majority") or {}).get("accuracy"))
    note = f"constant answer {constant}"
    if not page.copy_weights:
        note += f"; {NOT_COPIED}"
    return Tile("Base, on its own task", percent(base["accuracy"]), note)


def other_figures(page: Page) -> list[tuple[str, str]]:
    """The figures beside accuracy, with what they mean."""
    metrics = page.metrics
    if metrics.get("accuracy") is None:
        return []
    rows = [
        (
            f"Balanced accuracy (mean recall of the {'tested ' if untested(metrics) else ''}classes)",
            percent(metrics.get("balanced_accuracy")),
        ),
        ("Macro F1", number(metrics.get("macro_f1"))),
        ("Log-loss (nats)", number(metrics.get("log_loss"))),
        ("Calibration error (15 bins)", percent(metrics.get("calibration_error"))),
    ]
    if without := metrics.get("without_duplicates"):
        name = f"Accuracy without the {without['trained_on']:,} test images that were trained on"
        rows.append((name, f"{percent(without['accuracy'])} of {without['num_test']:,}"))
    if metrics.get("positive") is not None:
        rows.append((f"ROC AUC (positive: {metrics['positive']})", number(metrics.get("roc_auc"))))
        rows.append(("Precision-recall AUC (average precision)", number(metrics.get("pr_auc"))))
    return rows


def fact_rows(page: Page) -> list[tuple[str, str]]:
    """What was grafted onto what, with how many images; the base is named for what it is."""
    facts = page.facts
    rows = [("Source task", facts.get("source")), ("Target task", facts.get("target"))]
    counts = [(facts.get(f"num_{part}"), part) for part in ("train", "validation", "test")]
    images = ", ".join(f"{count:,} {part}" for count, part in counts if count is not None)
    rows.append(("Images of the target", images))
    rows.append(("Base", facts.get("base", "copied weights") if page.copy_weights else NOT_COPIED))
    reused = "Reused layers" if page.copy_weights else "Reused layers (their shape alone: weights NOT copied)"
    rows.append((reused, ", ".join(facts.get("reused_layers") or [])))
    rows.append(("Trained in fine-tuning", ", ".join(facts.get("trainable") or [])))
    augmented = [f"{step}: {words}" for step, words in (facts.get("augmented") or {}).items()]
    rows.append(("Augmented in training only", "; ".join(augmented)))
    rows += [(f"Fine-tuning: {label}", words) for label, words in (facts.get("tuned") or {}).items()]
    return [(name, str(value)) for name, value in rows if value]


def class_rows(page: Page) -> list[list[str]]:
    """Class, precision, recall, F1, number of test images; a class without any is said to be not tested."""
    return [
        [row["class"], percent(row["precision"]), percent(row["recall"]), number(row["f1"]), f"{row['support']:,}"]
        if row["support"]
        else [row["class"], percent(row["precision"]), NOT_TESTED, NOT_TESTED, "0"]
        for row in page.metrics.get("per_class") or []
    ]


def untested(metrics: dict[str, Any]) -> list[str]:
    """The classes that no test image shows."""
    return [row["class"] for row in metrics.get("per_class") or [] if not row["support"]]


def control_rows(page: Page) -> list[list[str]]:
    """Seed, accuracy here, accuracy of the control, and the difference where both ran; seeds in order."""
    this, other = by_seed(page.controls.get("this")), by_seed(page.controls.get("other"))
    rows = []
    for seed in sorted(this.keys() | other.keys()):
        here, there = this.get(seed), other.get(seed)
        difference = UNKNOWN
        if here is not None and there is not None:
            difference = f"{100 * (here - there):+.1f}".replace("-", "\u2212")
        rows.append([str(seed), percent(here), percent(there), difference])
    return rows


def by_seed(runs: list[dict[str, Any]] | None) -> dict[int, float]:
    """Seed to accuracy; of several runs with one seed the last counts."""
    return {run["seed"]: run["accuracy"] for run in runs or [] if run.get("accuracy") is not None}


def lineage(page: Page) -> list[Made]:
    """Each artifact of the run, in the order of the steps, and what it was made from."""
    labels: dict[str, str] = {}
    made = []
    for step in page.steps:
        sources = [
            (name, labels.get(digest, ""), digest) for name, digest in (step.get("inputs") or {}).items() if digest
        ]
        sources += [(name, "", digest) for name, digest in (step.get("files") or {}).items()]
        for name, digest in (step.get("outputs") or {}).items():
            label = f"{step['step']} · {name}"
            made.append(Made(label + _warning(page, step), digest, sources))
            # `save_model` returns the digest that it was given: who made an artifact last handed it on.
            labels[digest] = label
    return made


def why(page: Page, step: dict[str, Any]) -> str:
    """Why a step ran; and for the clone, whose name says "with weights", that it was not."""
    return ((step.get("reason") or "") + _warning(page, step)).strip()


def _warning(page: Page, step: dict[str, Any]) -> str:
    return "" if page.copy_weights or step["step"] != "clone_with_weights" else " (weights NOT copied)"
