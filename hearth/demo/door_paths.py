"""Paths of the doors of a demo, without the pages behind them: the terminal shows links, another process serves."""

from store.base.access import Role

ROLES = (Role.CUSTOMER, Role.DISPATCHER, Role.CREW, Role.SUPERVISOR, Role.ADMIN)
API = "api"
PATHS = {name: f"/door/{name}" for name in (*(role.value for role in ROLES), API)}
CODE_PATH = "/door/phone.svg"
