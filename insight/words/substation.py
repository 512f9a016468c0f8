"""Early signs of substations and what may be behind them, said in Chinese and English."""

from collections.abc import Mapping

from domain.words.text import Text

QUANTITY_TEXTS: Mapping[str, Text] = {
    "supply": Text("供水温度", "Supply temperature"),
    "return": Text("回水温度", "Return temperature"),
    "spread": Text("供回水温差", "Difference of supply and return"),
    "flow": Text("流量", "Flow"),
}
UNITS: Mapping[str, Text] = {
    "supply": Text("℃", "°C"),
    "return": Text("℃", "°C"),
    "spread": Text("K", "K"),
    "flow": Text("m³/h", "m³/h"),
}
# (quantity, whether it is higher than usual): where to look first.
LOOK_AT: Mapping[tuple[str, bool], Text] = {
    ("supply", False): Text(
        "供热不足：查一次侧、调节阀、换热器结垢",
        "too little heat comes in: primary side, control valve, a fouled exchanger",
    ),
    ("supply", True): Text("供热偏多：查调节阀、气候补偿曲线", "too much heat comes in: control valve, heating curve"),
    ("return", False): Text("循环不足：查用户侧阀门、过滤器", "too little circulates: valves of buildings, strainers"),
    ("return", True): Text("循环过多：查旁通、短路", "too much circulates: a bypass or a short circuit"),
    ("spread", False): Text("循环过多：查旁通、短路", "too much circulates: a bypass or a short circuit"),
    ("spread", True): Text("循环不足：查过滤器、水泵", "too little circulates: strainers, pump"),
    ("flow", False): Text(
        "循环不足：查过滤器、水泵、关闭的阀门", "too little circulates: strainers, pump, shut valves"
    ),
    ("flow", True): Text("循环过多：查失水、旁通", "too much circulates: leaks, a bypass"),
}
SIGN = Text(
    "{quantity}近 {hours} 小时为 {value} {unit}，按室外温度通常为 {usual} {unit}（偏离 {deviations} 倍）；{look}。",
    "{quantity} {value} {unit} over the last {hours} h, usually {usual} {unit} in such weather "
    "({deviations} deviations): {look}.",
)


def sign_text(quantity: str, hours: int, value: float, usual: float, deviations: float) -> Text:
    """Say an early sign: what is, what is usual, and where to look first."""
    return SIGN.fill(
        quantity=QUANTITY_TEXTS[quantity],
        hours=hours,
        value=f"{value:.1f}",
        usual=f"{usual:.1f}",
        unit=UNITS[quantity],
        deviations=f"{abs(deviations):.1f}",
        look=LOOK_AT[quantity, deviations > 0],
    )
