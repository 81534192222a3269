"""The manual-entry package: what a person keys in where no interface takes it, as PDF, web page and JSON."""

from rinnan_paper.adapter import OFFER, Paper, Settings

__all__ = ["OFFER", "Paper", "Settings"]
