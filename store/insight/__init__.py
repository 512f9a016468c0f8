"""Keep what was foreseen of networks, and how it came out."""
