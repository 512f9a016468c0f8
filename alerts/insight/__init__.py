"""Foresee homes that will be cold, keep what was told, and score it."""
