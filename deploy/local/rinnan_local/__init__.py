"""Rinnan on one machine, from package registries alone. For development, demonstration and tests; loopback only."""
