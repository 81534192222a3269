"""The chassis that every room stands on. It speaks of subjects, owners and seal groups, never of the domain."""
