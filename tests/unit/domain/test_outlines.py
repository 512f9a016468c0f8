"""Outlines of places: the polygon around some, and which places are inside of one."""

from hypothesis import given
from hypothesis import strategies as st

from domain.outlines import convex_hull, inside, outline

degrees = st.tuples(st.floats(123.4, 123.45), st.floats(41.7, 41.75))
SQUARE = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]


def test_the_hull_leaves_out_what_is_inside_and_what_is_on_a_side() -> None:
    assert convex_hull([*SQUARE, (1.0, 1.0), (1.0, 0.0)]) == SQUARE
    assert convex_hull([(1.0, 1.0)]) == [(1.0, 1.0)]
    assert convex_hull([]) == []


def test_a_place_that_was_mistyped_does_not_stretch_the_outline() -> None:
    ring = outline([(123.4, 41.7), (123.41, 41.7), (123.41, 41.71), (12.34, 41.7)], 60)
    assert min(lon for lon, _ in ring) > 123.39
    assert outline([], 60) == []


@given(st.lists(degrees, min_size=1, max_size=30))
def test_every_place_is_inside_of_its_outline(places: list[tuple[float, float]]) -> None:
    ring = outline(places, 60)
    assert inside(ring, *zip(*places, strict=True)).all()


def test_inside_of_a_polygon_that_is_not_convex() -> None:
    notched = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0)]
    assert inside(notched, [2.0, 0.5, 3.5, 2.0, 5.0], [3.0, 2.0, 2.0, 0.5, 1.0]).tolist() == [
        False, True, True, True, False,
    ]  # fmt: skip
