"""The company's people in the browser: signing in, their sessions and accounts."""
