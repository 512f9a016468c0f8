"""Pages for people: one's own home, opened by a link, and how the network stands. They work without script."""
