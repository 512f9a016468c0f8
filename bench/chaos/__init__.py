"""A race of real processes: all of it is killed, halted and cut off at random, and judged at the end."""
