"""What an agent is handed, and what follows from it: names resolved, Cedar permits."""
