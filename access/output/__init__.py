"""What people read of it: table, difference, explanation, picture."""
