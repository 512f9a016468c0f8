"""Names and units of what sensors measure."""

from collections.abc import Mapping
from typing import NamedTuple

from domain.words.text import Text


class QuantityText(NamedTuple):
    """Name of a quantity, and the unit in which it is stored."""

    name: Text
    unit: Text


CELSIUS = Text("℃", "°C")
PER_CENT = Text("%", "%")
MEGAPASCAL = Text("MPa", "MPa")
QUANTITY_TEXTS: Mapping[str, QuantityText] = {
    "temperature": QuantityText(Text("室温", "temperature"), CELSIUS),
    "humidity": QuantityText(Text("湿度", "humidity"), PER_CENT),
    "battery": QuantityText(Text("电量", "battery"), PER_CENT),
    "supply_temperature": QuantityText(Text("供水温度", "supply temperature"), CELSIUS),
    "return_temperature": QuantityText(Text("回水温度", "return temperature"), CELSIUS),
    "supply_pressure": QuantityText(Text("供水压力", "supply pressure"), MEGAPASCAL),
    "return_pressure": QuantityText(Text("回水压力", "return pressure"), MEGAPASCAL),
    "flow": QuantityText(Text("流量", "flow"), Text("m³/h", "m³/h")),
    "heat_power": QuantityText(Text("热功率", "heat power"), Text("kW", "kW")),
    "outdoor_temperature": QuantityText(Text("室外温度", "outdoor temperature"), CELSIUS),
}
