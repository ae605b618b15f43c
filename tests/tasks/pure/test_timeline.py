"""Accuracy against time: the same bytes for the same runs, other bytes where a run differs."""

import io
from dataclasses import replace

from PIL import Image

from tasks.pure.timeline import Point, accuracy_against_time

POINTS = [
    Point(number, f"11-{number:02} 02:30", 0.9 + number / 1000, 0.85, 0.95, new_data=False, promoted=False)
    for number in range(1, 4)
]


def test_the_same_runs_make_the_same_picture_of_a_page_width() -> None:
    picture = accuracy_against_time(POINTS)
    assert picture == accuracy_against_time(POINTS)
    assert Image.open(io.BytesIO(picture)).size == (1200, 480)


def test_new_data_and_a_promotion_are_seen() -> None:
    plain = accuracy_against_time(POINTS)
    assert accuracy_against_time([*POINTS[:2], replace(POINTS[2], new_data=True)]) != plain
    assert accuracy_against_time([*POINTS[:2], replace(POINTS[2], promoted=True)]) != plain


def test_one_run_and_many_are_drawn() -> None:
    many = [replace(POINTS[0], number=number) for number in range(60)]
    assert accuracy_against_time(POINTS[:1]) and accuracy_against_time(many)
