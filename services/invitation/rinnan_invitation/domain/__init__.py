"""Asking and reminding the parents, and recognising a code. Pure: messages and codes are made by due work."""
