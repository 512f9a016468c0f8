"""The beginning of a file of refund rules, which lacks its rows."""

BEGINS = """
name = "ours"
currency = "CNY"
source = "s"
read = "r"
unread = "u"
[[version]]
valid_from = 2025-01-01
counts = "breach"
day_by = "lowest"
starts = "proof"
rounding = "half_up"
"""
