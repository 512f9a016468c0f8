"""Foresee, estimate and explain what no sensor says: arrays in, arrays out; nothing here flags."""
