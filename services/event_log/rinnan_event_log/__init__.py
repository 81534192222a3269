"""Hears every envelope, opens none, and tells the life of a registration from ids, types and times alone."""
