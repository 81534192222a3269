"""Risk screening: asks every parent the same, hides the answers, and only ever raises the care."""
