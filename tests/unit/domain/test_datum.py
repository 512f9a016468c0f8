"""Datums: known points, the way back, and places where nothing is shifted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.datum import Datum, from_wgs84, to_wgs84

METRES = 111_320
LONGITUDES = st.floats(73.7, 134.8)
LATITUDES = st.floats(18.2, 53.5)
SHIFTED = (Datum.GCJ02, Datum.BD09)

# What the libraries in general use give for these places.
KNOWN = [
    (Datum.GCJ02, (116.404, 39.915), (116.41024449916938, 39.91640428150164)),
    (Datum.BD09, (116.404, 39.915), (116.41662724378733, 39.922699552216216)),
    (Datum.WGS84, (123.43, 41.8), (123.43, 41.8)),
]


@pytest.mark.parametrize(("datum", "wgs84", "shifted"), KNOWN)
def test_known_points(datum: Datum, wgs84: tuple[float, float], shifted: tuple[float, float]) -> None:
    assert from_wgs84(datum, *wgs84) == pytest.approx(shifted, abs=1e-9)


def test_baidu_is_shifted_once_more() -> None:
    of_amap = to_wgs84(Datum.GCJ02, 116.404, 39.915)
    assert from_wgs84(Datum.BD09, *of_amap) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


@given(LONGITUDES, LATITUDES)
def test_the_way_back_is_exact(lon: float, lat: float) -> None:
    for datum in SHIFTED:
        back = to_wgs84(datum, *from_wgs84(datum, lon, lat))
        assert np.hypot(back.lon - lon, back.lat - lat) * METRES < 0.001
        there = from_wgs84(datum, *to_wgs84(datum, lon, lat))
        assert np.hypot(there.lon - lon, there.lat - lat) * METRES < 0.001


@given(LONGITUDES, LATITUDES)
def test_a_shift_is_short(lon: float, lat: float) -> None:
    for datum, most in ((Datum.GCJ02, 1_500), (Datum.BD09, 3_000)):
        there = from_wgs84(datum, lon, lat)
        assert np.hypot(there.lon - lon, there.lat - lat) * METRES < most


@given(st.sampled_from([(2.35, 48.86), (-74.0, 40.7), (151.2, -33.9), (71.4, 51.1), (139.7, 35.7), (0.0, 0.0)]))
def test_elsewhere_nothing_is_shifted(place: tuple[float, float]) -> None:
    for datum in Datum:
        assert tuple(map(float, from_wgs84(datum, *place))) == place
        assert tuple(map(float, to_wgs84(datum, *place))) == place


def test_arrays_are_converted_as_single_places_are() -> None:
    lon, lat = np.array([116.404, 2.35, 87.6]), np.array([39.915, 48.86, 43.8])
    for datum in Datum:
        many = to_wgs84(datum, lon, lat)
        assert [to_wgs84(datum, *one) for one in zip(lon, lat, strict=True)] == list(zip(*many, strict=True))
