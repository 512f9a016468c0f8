"""Pages of the registry, tokens and rules, for the office."""
