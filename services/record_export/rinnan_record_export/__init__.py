"""Record export: assembles the client record, and judges by its ledger what became of it."""
