"""What a study holds: `summary` makes the numbers, the other modules show them."""
