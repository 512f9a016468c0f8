"""Rules and jobs of caring for sensors."""

from dataclasses import replace

from domain import policy_file
from domain.care import Care
from domain.policy import Policy
from tests.store.desk import Desk

CARE = Care(
    silent_intervals=6,  # half an hour
    frozen_s=3600,
    jump_k=5,
    neighbour_k=4,
    neighbour_for_s=1800,
    battery_percent=15,
    healed_for_s=1200,
    judge_suspect=True,
)


def rules(care: Care | None = CARE) -> Policy:
    seed = policy_file.builtin("seed")
    return replace(seed, versions=(replace(seed.versions[0], care=care),))


def jobs(desk: Desk) -> list[tuple[str, str, str | None]]:
    found = desk.rows(
        "SELECT s.code, j.reason, j.close_reason FROM device_job AS j JOIN sensor AS s USING (sensor_id) "
        "ORDER BY j.device_job_id"
    )
    return [(row["code"], row["reason"], row["close_reason"]) for row in found]
