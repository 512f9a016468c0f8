"""A whole town on one machine: servers, Hearth, a simulator, and something to look at."""
