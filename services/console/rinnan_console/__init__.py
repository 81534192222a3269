"""The face for staff: for now the `rinnan` command line."""
