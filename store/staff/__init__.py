"""The company's people, what they prove themselves with, and their sessions."""
