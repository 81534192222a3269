"""Consent: what each parent agrees to, in which words, version by version, and takes back."""
