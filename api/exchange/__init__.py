"""The exchange of tickets with peers, by HTTP."""
