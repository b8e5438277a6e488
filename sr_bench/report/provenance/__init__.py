"""How each number was made."""
