"""What is checked before anything is made: arguments, names, identifiers."""
