"""Refunds for cold days: rules as dated data, the facts of a season, and the days in money."""
