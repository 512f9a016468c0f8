"""Benchmarks on real servers; every figure is a ratio taken in one run, printed as JSON."""
