"""Invitation: one-time codes, asking and reminding the parents, and the channels that messages leave by."""
