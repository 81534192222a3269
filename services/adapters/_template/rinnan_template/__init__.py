"""An adapter to copy. It keeps the whole contract against a small system of its own, in memory."""
