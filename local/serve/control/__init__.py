"""What is served, read through AWS's own control-plane APIs; and the answer for everything that is not here."""
