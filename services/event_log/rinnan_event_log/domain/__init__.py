"""The log's own rules: what an entry is, how entries are chained, and how a life is told from them."""
