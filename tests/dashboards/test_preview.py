"""The preview of the city map: it draws the rows it is given and says what it is."""

from pathlib import Path

import numpy as np
from psycopg import Connection

from bench.preview import SAYS, asked, colour, draw
from dashboards.look import GREEN, GREY, ORANGE, RED
from tests.dashboards.conftest import BUILDINGS, look

PNG = b"\x89PNG"


def test_a_preview_of_a_town(town: Connection, tmp_path: Path) -> None:
    rows = asked(town, look())
    assert {ref: len(found) for ref, found in rows.items()} == {"A": BUILDINGS, "B": BUILDINGS // 30, "C": 1}
    figure = draw(look(), rows)
    assert figure.get_suptitle() == SAYS
    assert [np.shape(axes.collections[0].get_offsets())[0] for axes in figure.axes] == [BUILDINGS, BUILDINGS]
    figure.savefig(tmp_path / "map.png", dpi=40)
    assert (tmp_path / "map.png").read_bytes().startswith(PNG)


def test_colours_are_those_of_the_policy() -> None:
    assert [colour(look(), celsius) for celsius in (None, 15.9, 16.0, 17.9, 18.0)] == [GREY, RED, ORANGE, ORANGE, GREEN]
