"""Refusal of unknown query keys: `?stat=open` would otherwise silently return everything."""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.http.problem import FieldFault, invalid
from api.words.problems import NO_PARAMETER, NO_PARAMETERS

OURS = "/v1/"  # pages ignore keys that links elsewhere add


async def known_keys(request: Request) -> None:
    """Refuse query keys that the route has no parameter for.

    Raises:
        Problem: 422, naming the unknown keys and the known ones.
    """
    route = request.scope["route"]
    if not request.query_params or not isinstance(route, APIRoute) or not route.path.startswith(OURS):
        return
    names = sorted(_aliases(route.dependant))
    if unknown := sorted(set(request.query_params) - set(names)):
        detail = NO_PARAMETER.fill(known=", ".join(names)) if names else NO_PARAMETERS
        shown = ["".join(letter if letter.isprintable() else "?" for letter in key[:50]) for key in unknown[:10]]
        raise invalid(*(FieldFault(key, detail) for key in shown))


def _aliases(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_aliases(part) for part in dependant.dependencies))
