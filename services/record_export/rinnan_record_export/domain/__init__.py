"""What record_export decides: parts, when a record is whole, the ledger and its policy, packages. Pure."""
