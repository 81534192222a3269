"""The adapter host: it runs one adapter for one destination and tells the ledger what the far side did."""
