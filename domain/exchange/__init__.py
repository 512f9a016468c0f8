"""The exchange of tickets with peers: mappings as dated data, signatures, and the events that travel."""
