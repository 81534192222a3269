"""What Rinnan promises, written from its code and kept compatible."""
