"""Texts of the program in both languages, for people."""
