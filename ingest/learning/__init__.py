"""Learning: from what is said on a broker to a table of sources."""
