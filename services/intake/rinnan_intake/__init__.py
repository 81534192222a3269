"""Intake: two parents register side by side; nothing of one can be noticed by the other."""
