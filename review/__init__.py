"""What a change does to a deployment, for the person who reviews it."""
