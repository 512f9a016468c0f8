"""Paths of the doors of a demo, without the pages behind them: the terminal shows links, another process serves."""

from store.base.access import Role

PATHS = {role.value: f"/door/{role.value}" for role in (Role.CUSTOMER, Role.DISPATCHER, Role.CREW, Role.SUPERVISOR)}
CODE_PATH = "/door/phone.svg"
