"""Messages that platforms push by HTTP."""
