"""Rules with alarms of substations."""

from dataclasses import replace

from domain import policy_file
from domain.policy import Policy
from domain.substation import SubstationLimits

LIMITS = SubstationLimits(
    supply_low_celsius=45,
    supply_pressure_low_mpa=0.3,
    supply_pressure_high_mpa=0.8,
    return_pressure_low_mpa=0.2,
    for_s=600,
)


def rules(limits: SubstationLimits | None = LIMITS) -> Policy:
    seed = policy_file.builtin("seed")
    return replace(seed, versions=(replace(seed.versions[0], substation=limits),))
