"""Web pages: a customer's own home, opened by a personal link, and the network status. They need no JavaScript."""
